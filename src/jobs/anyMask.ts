/** In texts that are asked about it stands for the mask token of any model, whatever that is called in its vocabulary. */
export const anyMask = '[MASK]';
