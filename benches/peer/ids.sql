SELECT number, peer.shown('mem', peer.id(3, number::bigint)) FROM unnest($1::text[]) AS asked (number)
