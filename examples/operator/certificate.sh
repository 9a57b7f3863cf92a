#!/bin/sh
# Makes NAME.crt and NAME.key for each NAME given, signed by an authority (ca.crt) that it makes the first time.
# For trying things out: real certificates come from a real authority.
set -eu
cd "$(dirname "$0")"
key="-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"
[ -f ca.key ] || openssl req -x509 $key -keyout ca.key -out ca.crt -days 30 -subj "/CN=an authority to try parley" 2>/dev/null
for name in "$@"; do
  printf 'subjectAltName=DNS:%s\n' "$name" >"$name.ext"
  openssl req $key -keyout "$name.key.new" -out "$name.csr" -subj "/CN=$name" 2>/dev/null
  openssl x509 -req -in "$name.csr" -CA ca.crt -CAkey ca.key -CAcreateserial -days 30 -extfile "$name.ext" -out "$name.crt.new" 2>/dev/null
  mv "$name.key.new" "$name.key" && mv "$name.crt.new" "$name.crt"
  rm "$name.ext" "$name.csr"
  openssl x509 -in "$name.crt" -noout -subject -serial
done
