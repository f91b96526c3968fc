#ifndef SERVER_KEEPER_KEEPER_KEY_H
#define SERVER_KEEPER_KEEPER_KEY_H

#include <openssl/evp.h>

#include "lib/bytes.h"
#include "lib/err.h"

/* The server's TLS key, known by the SHA-256 of its SubjectPublicKeyInfo. */
#define KEEPER_KEY_ID 32

struct keeper_key {
	EVP_PKEY *pkey;
	const EVP_MD *digest; /* Of its TLS 1.3 signatures. */
	uint8_t id[KEEPER_KEY_ID];
};

/* How to come by one. */
struct keeper_key_source {
	int fd;                 /* On the key's file; not taken. */
	const char *name;       /* Of the file, for messages. */
	const char *passphrase; /* NULL: it is not encrypted. */
	struct sn_bytes chain;  /* PEM, the server's certificate first. */
};

/**
 * keeper_key_load(source, out, why):
 * Read the key, and check that it belongs to the certificate.  SN_ECONF,
 * SN_EPASSPHRASE, SN_EIO, SN_ENOMEM.
 */
enum sn_err keeper_key_load(const struct keeper_key_source *source,
    struct keeper_key **out, struct sn_why *why) SN_MUST_USE;

/** keeper_key_free(key): NULL is fine. */
void keeper_key_free(struct keeper_key *key);

/**
 * keeper_key_sign(key, input, out, n):
 * Sign a server's CertificateVerify (RFC 8446, 4.4.3) and nothing else:
 * SN_EINVAL unless ${input} is 64 spaces, the context string, a zero and a
 * hash of 32 or 48 bytes.  *${n} is the room in ${out}, then the length of
 * the signature (DER).  SN_ECRYPTO.
 */
enum sn_err keeper_key_sign(const struct keeper_key *key, struct sn_bytes input,
    uint8_t *out, size_t *n) SN_MUST_USE;

#endif
