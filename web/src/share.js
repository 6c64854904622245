// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A model in an address: deflated, in base64 that needs no escapes. Nothing is stored anywhere.
const pump = async (bytes, stream) => new Uint8Array(await new Response(new Blob([bytes]).stream().pipeThrough(stream)).arrayBuffer());

export async function toHash(text) {
  const bytes = await pump(new TextEncoder().encode(text), new CompressionStream("deflate-raw"));
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return "#model=" + btoa(binary).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}

/** The model that an address holds; null if it holds none, or none that can be read. */
export async function fromHash(hash) {
  const found = /^#model=([\w-]+)$/.exec(hash);
  if (!found) return null;
  try {
    const binary = atob(found[1].replace(/-/g, "+").replace(/_/g, "/"));
    return new TextDecoder().decode(await pump(Uint8Array.from(binary, (c) => c.charCodeAt(0)), new DecompressionStream("deflate-raw")));
  } catch {
    return null;
  }
}
