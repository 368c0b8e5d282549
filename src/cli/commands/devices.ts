import { formatBytes } from '../../core/memory.ts';
import type { DeviceFacts, DevicesResult } from '../../jobs/devices.ts';
import type { CommandSpec } from '../command.ts';
import { printable, table } from '../format.ts';
import { jobOptions, withProgress } from '../jobOptions.ts';
import { writeResult } from '../output.ts';

export const devicesCommand: CommandSpec = {
  name: 'devices',
  group: 'train',
  summary: 'show what can compute here, what is missing, and how fast each multiplies matrices',
  job: 'devices',
  examples: ['bertune devices', 'bertune devices --json'],
  async run(settings, context) {
    const { devices } = await import('../../jobs/devices.ts');
    const options = jobOptions('devices', settings);
    const result = await withProgress(context, (hooks) => devices(options, hooks));
    await writeResult(context, settings, result, () => report(result));
  },
};

function report({ machine, devices }: DevicesResult): string {
  const { processor, threads, memoryBytes, availableBytes, node, platform } = machine;
  const facts = table(
    [
      ['processor', printable(processor)],
      ['threads', String(threads)],
      ['memory', `${formatBytes(memoryBytes)}, ${formatBytes(availableBytes)} available`],
      ['system', `${platform}, Node ${node}`],
    ],
    ['left', 'left'],
  );
  const rows = devices.map((device) => [
    device.name,
    device.isHere ? (device.isAutomatic ? 'here, and what auto takes' : 'here') : 'missing',
    rate(device),
    printable(device.runtime ?? device.title),
  ]);
  const list = table([['--device', '', 'GFLOPS', ''], ...rows], ['left', 'left', 'right', 'left']);
  const told = devices.flatMap(({ name, missing, notes }) => [
    ...(missing ? [`${name}: ${missing.reason}; ${missing.wayOut}`] : []),
    ...notes.map((note) => `${name}: ${note}`),
  ]);
  return [facts, '', list, ...(told.length > 0 ? ['', ...told.map(printable)] : [])].join('\n');
}

function rate({ gflops }: DeviceFacts): string {
  if (gflops === null) return '-';
  return gflops < 10 ? gflops.toFixed(1) : gflops.toFixed(0);
}
