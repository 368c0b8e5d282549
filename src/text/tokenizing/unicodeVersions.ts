/**
 * Where the reference (Hugging Face tokenizers, in Rust) goes by older versions of Unicode than Node: as parts of a
 * character class, for patterns with the flag u. Found by comparing every code point of Unicode 17.
 */

/** Nonspacing marks that are none to BertNormalizer, which knows Unicode 8. */
export const laterNonspacingMarks = [
  String.raw`\u07fd\u0897-\u089f\u08ca-\u08e1\u09fe\u0afa-\u0aff\u0b55\u0c04\u0c3c\u0d00\u0d3b\u0d3c\u0d81\u0eba\u0ece`,
  String.raw`\u180f\u1885\u1886\u1abf-\u1add\u1ae0-\u1aeb\u1df6-\u1dfb\ua82c\ua8c5\ua8ff\ua9bd\u{10d24}-\u{10d27}`,
  String.raw`\u{10d69}-\u{10d6d}\u{10eab}\u{10eac}\u{10efa}-\u{10eff}\u{10f46}-\u{10f50}\u{10f82}-\u{10f85}\u{11070}`,
  String.raw`\u{11073}\u{11074}\u{110c2}\u{111c9}\u{111cf}\u{1123e}\u{11241}\u{1133b}\u{113bb}-\u{113c0}\u{113ce}`,
  String.raw`\u{113d0}\u{113d2}\u{113e1}\u{113e2}\u{11438}-\u{1143f}\u{11442}-\u{11444}\u{11446}\u{1145e}`,
  String.raw`\u{1182f}-\u{11837}\u{11839}\u{1183a}\u{1193b}\u{1193c}\u{1193e}\u{11943}\u{119d4}-\u{119d7}\u{119da}`,
  String.raw`\u{119db}\u{119e0}\u{11a01}-\u{11a0a}\u{11a33}-\u{11a38}\u{11a3b}-\u{11a3e}\u{11a47}\u{11a51}-\u{11a56}`,
  String.raw`\u{11a59}-\u{11a5b}\u{11a8a}-\u{11a96}\u{11a98}\u{11a99}\u{11b60}\u{11b62}-\u{11b64}\u{11b66}`,
  String.raw`\u{11c30}-\u{11c36}\u{11c38}-\u{11c3d}\u{11c3f}\u{11c92}-\u{11ca7}\u{11caa}-\u{11cb0}\u{11cb2}\u{11cb3}`,
  String.raw`\u{11cb5}\u{11cb6}\u{11d31}-\u{11d36}\u{11d3a}\u{11d3c}\u{11d3d}\u{11d3f}-\u{11d45}\u{11d47}\u{11d90}`,
  String.raw`\u{11d91}\u{11d95}\u{11d97}\u{11ef3}\u{11ef4}\u{11f00}\u{11f01}\u{11f36}-\u{11f3a}\u{11f40}\u{11f42}`,
  String.raw`\u{11f5a}\u{13440}\u{13447}-\u{13455}\u{1611e}-\u{16129}\u{1612d}-\u{1612f}\u{16f4f}\u{16fe4}`,
  String.raw`\u{1cf00}-\u{1cf2d}\u{1cf30}-\u{1cf46}\u{1e000}-\u{1e006}\u{1e008}-\u{1e018}\u{1e01b}-\u{1e021}\u{1e023}`,
  String.raw`\u{1e024}\u{1e026}-\u{1e02a}\u{1e08f}\u{1e130}-\u{1e136}\u{1e2ae}\u{1e2ec}-\u{1e2ef}\u{1e4ec}-\u{1e4ef}`,
  String.raw`\u{1e5ee}\u{1e5ef}\u{1e6e3}\u{1e6e6}\u{1e6ee}\u{1e6ef}\u{1e6f5}\u{1e944}-\u{1e94a}`,
].join('');

/** Formerly nonspacing marks. */
export const formerNonspacingMarks = [String.raw`\u1734\u{1171e}`].join('');

/** Format characters that are none to BertNormalizer. */
export const laterFormatCharacters = [String.raw`\u0890\u0891\u08e2\u{110cd}\u{13430}-\u{1343f}`].join('');

/** Punctuation that is none to the pre-tokenizers, which know Unicode 8. */
export const laterPunctuation = [
  String.raw`\u061d\u09fd\u0a76\u0c77\u0c84\u1b4e\u1b4f\u1b7d-\u1b7f\u2e43-\u2e4f\u2e52-\u2e5d\u{10d6e}\u{10ead}\u{10ed0}`,
  String.raw`\u{10f55}-\u{10f59}\u{10f86}-\u{10f89}\u{113d4}\u{113d5}\u{113d7}\u{113d8}\u{1144b}-\u{1144f}\u{1145a}`,
  String.raw`\u{1145b}\u{1145d}\u{11660}-\u{1166c}\u{116b9}\u{1183b}\u{11944}-\u{11946}\u{119e2}\u{11a3f}-\u{11a46}`,
  String.raw`\u{11a9a}-\u{11a9c}\u{11a9e}-\u{11aa2}\u{11b00}-\u{11b09}\u{11be1}\u{11c41}-\u{11c45}\u{11c70}\u{11c71}`,
  String.raw`\u{11ef7}\u{11ef8}\u{11f43}-\u{11f4f}\u{11fff}\u{12ff1}\u{12ff2}\u{16d6d}-\u{16d6f}\u{16e97}-\u{16e9a}`,
  String.raw`\u{16fe2}\u{1e5ff}\u{1e95e}\u{1e95f}`,
].join('');

/** Formerly punctuation. */
export const formerPunctuation = [String.raw`\u166d\u{111c9}`].join('');

/** Marks that are none to StripAccents, which knows Unicode 9. */
export const laterMarks = [
  String.raw`\u07fd\u0897-\u089f\u08ca-\u08d3\u09fe\u0afa-\u0aff\u0b55\u0c04\u0c3c\u0cf3\u0d00\u0d3b\u0d3c\u0d81\u0eba`,
  String.raw`\u0ece\u1715\u180f\u1abf-\u1add\u1ae0-\u1aeb\u1cf7\u1df6-\u1dfa\ua82c\ua8ff\u{10d24}-\u{10d27}`,
  String.raw`\u{10d69}-\u{10d6d}\u{10eab}\u{10eac}\u{10efa}-\u{10eff}\u{10f46}-\u{10f50}\u{10f82}-\u{10f85}\u{11070}`,
  String.raw`\u{11073}\u{11074}\u{110c2}\u{11145}\u{11146}\u{111c9}\u{111ce}\u{111cf}\u{11241}\u{1133b}`,
  String.raw`\u{113b8}-\u{113c0}\u{113c2}\u{113c5}\u{113c7}-\u{113ca}\u{113cc}-\u{113d0}\u{113d2}\u{113e1}\u{113e2}`,
  String.raw`\u{1145e}\u{1182c}-\u{1183a}\u{11930}-\u{11935}\u{11937}\u{11938}\u{1193b}-\u{1193e}\u{11940}\u{11942}`,
  String.raw`\u{11943}\u{119d1}-\u{119d7}\u{119da}-\u{119e0}\u{119e4}\u{11a01}-\u{11a0a}\u{11a33}-\u{11a39}`,
  String.raw`\u{11a3b}-\u{11a3e}\u{11a47}\u{11a51}-\u{11a5b}\u{11a8a}-\u{11a99}\u{11b60}-\u{11b67}\u{11d31}-\u{11d36}`,
  String.raw`\u{11d3a}\u{11d3c}\u{11d3d}\u{11d3f}-\u{11d45}\u{11d47}\u{11d8a}-\u{11d8e}\u{11d90}\u{11d91}`,
  String.raw`\u{11d93}-\u{11d97}\u{11ef3}-\u{11ef6}\u{11f00}\u{11f01}\u{11f03}\u{11f34}-\u{11f3a}\u{11f3e}-\u{11f42}`,
  String.raw`\u{11f5a}\u{13440}\u{13447}-\u{13455}\u{1611e}-\u{1612f}\u{16f4f}\u{16f7f}-\u{16f87}\u{16fe4}\u{16ff0}`,
  String.raw`\u{16ff1}\u{1cf00}-\u{1cf2d}\u{1cf30}-\u{1cf46}\u{1e08f}\u{1e130}-\u{1e136}\u{1e2ae}\u{1e2ec}-\u{1e2ef}`,
  String.raw`\u{1e4ec}-\u{1e4ef}\u{1e5ee}\u{1e5ef}\u{1e6e3}\u{1e6e6}\u{1e6ee}\u{1e6ef}\u{1e6f5}`,
].join('');

/** Formerly marks. */
export const formerMarks = [String.raw`\u1cf2\u1cf3`].join('');

/** Characters that normalization forms of Unicode 9 leave alone, though later ones move, part or join them. */
export const laterForms = [
  String.raw`\u07fd\u0897-\u089f\u08ca-\u08d3\u09fe\u0c3c\u0d3b\u0d3c\u0eba\u1715\u1abf-\u1add\u1ae0-\u1aeb\u1df6-\u1dfa`,
  String.raw`\ua82c\u{105c9}\u{105d2}\u{105da}\u{105e4}\u{10d24}-\u{10d27}\u{10d69}-\u{10d6d}\u{10eab}\u{10eac}\u{10efa}`,
  String.raw`\u{10efb}\u{10efd}-\u{10eff}\u{10f46}-\u{10f50}\u{10f82}-\u{10f85}\u{11070}\u{1133b}\u{11382}-\u{11385}`,
  String.raw`\u{1138b}\u{1138e}\u{11390}\u{11391}\u{113b8}\u{113bb}\u{113c2}\u{113c5}\u{113c7}-\u{113c9}`,
  String.raw`\u{113ce}-\u{113d0}\u{1145e}\u{11839}\u{1183a}\u{11930}\u{11935}\u{11938}\u{1193d}\u{1193e}\u{11943}`,
  String.raw`\u{119e0}\u{11a34}\u{11a47}\u{11a99}\u{11d42}\u{11d44}\u{11d45}\u{11d97}\u{11f41}\u{11f42}`,
  String.raw`\u{1611e}-\u{16129}\u{1612f}\u{16d63}\u{16d67}-\u{16d6a}\u{16ff0}\u{16ff1}\u{1e08f}\u{1e130}-\u{1e136}`,
  String.raw`\u{1e2ae}\u{1e2ec}-\u{1e2ef}\u{1e4ec}-\u{1e4ef}\u{1e5ee}\u{1e5ef}\u{1e6e3}\u{1e6e6}\u{1e6ee}\u{1e6ef}`,
  String.raw`\u{1e6f5}`,
].join('');

/** The same of the compatibility forms, beside those. */
export const laterCompatibilityForms = [
  String.raw`\u32ff\ua7f1-\ua7f4\uab69\u{10781}-\u{10785}\u{10787}-\u{107b0}\u{107b2}-\u{107ba}\u{1ccd6}-\u{1ccf9}`,
  String.raw`\u{1e030}-\u{1e06d}\u{1f16c}\u{1fbf0}-\u{1fbf9}`,
].join('');

/** Parts of words (\w) that are none to the reference's patterns, which know Unicode 16. */
export const laterWordCharacters = [
  String.raw`\u088f\u0c5c\u0cdc\u1acf-\u1add\u1ae0-\u1aeb\ua7ce\ua7cf\ua7d2\ua7d4\ua7f1\u{10940}-\u{10959}`,
  String.raw`\u{10ec5}-\u{10ec7}\u{10efa}\u{10efb}\u{11b60}-\u{11b67}\u{11db0}-\u{11ddb}\u{11de0}-\u{11de9}`,
  String.raw`\u{16ea0}-\u{16eb8}\u{16ebb}-\u{16ed3}\u{16ff2}-\u{16ff6}\u{187f8}-\u{187ff}\u{18d09}-\u{18d1e}`,
  String.raw`\u{18d80}-\u{18df2}\u{1e6c0}-\u{1e6de}\u{1e6e0}-\u{1e6f5}\u{1e6fe}\u{1e6ff}\u{2b73a}-\u{2b73f}`,
  String.raw`\u{2cea2}-\u{2cead}\u{323b0}-\u{33479}`,
].join('');

/** Characters without a script to UnicodeScripts, which knows Unicode 9. */
export const laterScripts = [
  String.raw`\u0560\u0588\u05ef\u061d\u07fd-\u07ff\u0860-\u086a\u0870-\u0891\u0897-\u089f\u08b5\u08be-\u08d3\u09fc-\u09fe`,
  String.raw`\u0a76\u0afa-\u0aff\u0b55\u0c04\u0c3c\u0c5c\u0c5d\u0c77\u0c84\u0cdc\u0cdd\u0cf3\u0d00\u0d04\u0d3b\u0d3c`,
  String.raw`\u0d81\u0e86\u0e89\u0e8c\u0e8e-\u0e93\u0e98\u0ea0\u0ea8\u0ea9\u0eac\u0eba\u0ece\u170d\u1715\u171f\u180f`,
  String.raw`\u1878\u1abf-\u1add\u1ae0-\u1aeb\u1b4c\u1b4e\u1b4f\u1b7d-\u1b7f\u1c89\u1c8a\u1c90-\u1cba\u1cbd-\u1cbf\u1cf7`,
  String.raw`\u1cfa\u1df6-\u1dfa\u20bf-\u20c1\u23ff\u2427-\u2429\u2b96\u2b97\u2bba-\u2bbc\u2bc9\u2bd2-\u2beb\u2bf0-\u2bff`,
  String.raw`\u2c2f\u2c5f\u2e45-\u2e5d\u2ffc-\u2fff\u312e\u312f\u31bb-\u31bf\u31e4\u31e5\u31ef\u32ff\u4db6-\u4dbf`,
  String.raw`\u9fd6-\u9fff\ua7af\ua7b8-\ua7dc\ua7f1-\ua7f6\ua82c\ua8fe\ua8ff\uab66-\uab6b\ufbc2-\ufbd2\ufd40-\ufd4f\ufd90`,
  String.raw`\ufd91\ufdc8-\ufdcf\ufdfe\ufdff\u{1019c}\u{1032d}-\u{1032f}\u{10780}-\u{10785}\u{10787}-\u{107b0}`,
  String.raw`\u{107b2}-\u{107ba}\u{10a34}\u{10a35}\u{10a48}\u{10ec2}-\u{10ec7}\u{10ed0}-\u{10ed8}\u{10efa}-\u{10eff}`,
  String.raw`\u{11070}-\u{11075}\u{110c2}\u{110cd}\u{11144}-\u{11147}\u{111ce}\u{111cf}\u{1123f}-\u{11241}\u{1133b}`,
  String.raw`\u{1145a}\u{1145e}-\u{11461}\u{116b8}\u{116b9}\u{116d0}-\u{116e3}\u{1171a}\u{11740}-\u{11746}`,
  String.raw`\u{11ab0}-\u{11abf}\u{11b00}-\u{11b09}\u{11b60}-\u{11b67}\u{11fb0}\u{11fc0}-\u{11ff1}\u{11fff}`,
  String.raw`\u{1342f}-\u{13455}\u{13460}-\u{143fa}\u{16f45}-\u{16f4a}\u{16f4f}\u{16f7f}-\u{16f87}\u{16fe2}\u{16fe3}`,
  String.raw`\u{16ff0}-\u{16ff6}\u{187ed}-\u{187ff}\u{18af3}-\u{18aff}\u{18d00}-\u{18d1e}\u{18d80}-\u{18df2}`,
  String.raw`\u{1aff0}-\u{1aff3}\u{1aff5}-\u{1affb}\u{1affd}\u{1affe}\u{1b002}-\u{1b122}\u{1b132}\u{1b150}-\u{1b152}`,
  String.raw`\u{1b155}\u{1b164}-\u{1b167}\u{1cc00}-\u{1ccfc}\u{1cd00}-\u{1ceb3}\u{1ceba}-\u{1ced0}\u{1cee0}-\u{1cef0}`,
  String.raw`\u{1cf00}-\u{1cf2d}\u{1cf30}-\u{1cf46}\u{1cf50}-\u{1cfc3}\u{1d1e9}\u{1d1ea}\u{1d2c0}-\u{1d2d3}`,
  String.raw`\u{1d2e0}-\u{1d2f3}\u{1d372}-\u{1d378}\u{1df00}-\u{1df1e}\u{1df25}-\u{1df2a}\u{1e030}-\u{1e06d}\u{1e08f}`,
  String.raw`\u{1e7e0}-\u{1e7e6}\u{1e7e8}-\u{1e7eb}\u{1e7ed}\u{1e7ee}\u{1e7f0}-\u{1e7fe}\u{1e94b}\u{1ec71}-\u{1ecb4}`,
  String.raw`\u{1ed01}-\u{1ed3d}\u{1f10d}-\u{1f10f}\u{1f12f}\u{1f16c}-\u{1f16f}\u{1f1ad}\u{1f260}-\u{1f265}`,
  String.raw`\u{1f6d3}-\u{1f6d8}\u{1f6dc}-\u{1f6df}\u{1f6f7}-\u{1f6fc}\u{1f774}-\u{1f77f}\u{1f7d5}-\u{1f7d9}`,
  String.raw`\u{1f7e0}-\u{1f7eb}\u{1f7f0}\u{1f8b0}-\u{1f8bb}\u{1f8c0}\u{1f8c1}\u{1f8d0}-\u{1f8d8}\u{1f900}-\u{1f90f}`,
  String.raw`\u{1f91f}\u{1f928}-\u{1f92f}\u{1f931}\u{1f932}\u{1f93f}\u{1f94c}-\u{1f94f}\u{1f95f}-\u{1f97f}`,
  String.raw`\u{1f992}-\u{1f9bf}\u{1f9c1}-\u{1fa57}\u{1fa60}-\u{1fa6d}\u{1fa70}-\u{1fa7c}\u{1fa80}-\u{1fa8a}`,
  String.raw`\u{1fa8e}-\u{1fac6}\u{1fac8}\u{1facd}-\u{1fadc}\u{1fadf}-\u{1faea}\u{1faef}-\u{1faf8}\u{1fb00}-\u{1fb92}`,
  String.raw`\u{1fb94}-\u{1fbfa}\u{2a6d7}-\u{2a6df}\u{2b735}-\u{2b73f}\u{2cea2}-\u{2cead}\u{2ceb0}-\u{2ebe0}`,
  String.raw`\u{2ebf0}-\u{2ee5d}\u{30000}-\u{3134a}\u{31350}-\u{33479}`,
].join('');
