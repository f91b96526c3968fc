#ifndef SN_LIB_ALGORITHMS_H
#define SN_LIB_ALGORITHMS_H

#include <openssl/types.h>

/**
 * sn_algorithms():
 * A library context of OpenSSL with the few algorithms that TLS 1.3 and our
 * certificates need (the table in algorithms.c), for connections and for
 * certificates that are read.  OpenSSL walks everything that its context
 * knows each time it reads a public key; of its own hundreds of algorithms
 * that is four fifths of what a certificate costs.  The implementations are
 * OpenSSL's own.
 *
 * Made at the first call, kept until the process ends; any thread.  NULL,
 * which is OpenSSL's whole context, when it could not be made: slower, and
 * otherwise the same.
 */
OSSL_LIB_CTX *sn_algorithms(void);

/**
 * sn_algorithms_sha256():
 * SHA-256, looked up once; OpenSSL looks EVP_sha256() up at each use, which
 * takes longer than hashing a row or a certificate.  Any thread.
 */
const EVP_MD *sn_algorithms_sha256(void);

#endif
