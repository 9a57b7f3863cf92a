import fc from "fast-check";

/** Any octets, as an octet string. */
export const octetString = fc.string({
  unit: fc.integer({ min: 0, max: 255 }).map((octet) => String.fromCharCode(octet)),
  maxLength: 64,
});
