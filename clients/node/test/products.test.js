import assert from "node:assert/strict";
import { test } from "node:test";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { LocalEncoder } from "../src/index.js";
import { exactProducts, PROBE } from "../src/products.js";
import { broken } from "./given.js";

async function product(x64quantprecision) {
  const options = { extra: { session: { x64quantprecision } } };
  const session = await InferenceSession.create(Buffer.from(PROBE, "base64"), options);
  const { y } = await session.run({ a: new Tensor("uint8", new Uint8Array(16).fill(255), [1, 16]) });
  return y.data[0];
}

test("the probe sees what saturates, and the option mends it", async () => {
  assert.equal(await product("1"), 258064);
  assert.equal((await product("0")) === 258064, await exactProducts({ InferenceSession, Tensor }));
});

for (const older of [false, true]) {
  test(`int8 that saturates is made exact${older ? ", also where the manifest does not say that it does" : ""}`, async () => {
    const folder = await broken("splade-vnni-int8", (manifest) => {
      if (older) delete manifest.cpu;
    });
    const encoder = await LocalEncoder.load(folder);
    assert.equal(encoder.manifest.cpu, "vnni");
    const { document } = await encoder.verify();
    assert.ok(document.meanCosine > 0.9985, `mean cosine ${document.meanCosine}`);
    await encoder.release();
  });
}
