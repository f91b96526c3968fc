#ifndef SN_LIB_TLS_INTERNAL_H
#define SN_LIB_TLS_INTERNAL_H

/* Between the tls files only; and what is offered, for measurements beside
 * bare OpenSSL. */

#include <openssl/ssl.h>

#include "lib/cert.h"
#include "lib/tls.h"

#define SN_TLS_CIPHERS                                   \
	"TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:" \
	"TLS_CHACHA20_POLY1305_SHA256"
#define SN_TLS_GROUPS "X25519:P-256:P-384"
/* More than the gate lets in: what is not offered here the client would not
 * even show, and nobody would learn why it stays out. */
#define SN_TLS_SIGNATURES                                                     \
	"ECDSA+SHA256:ECDSA+SHA384:ECDSA+SHA512:ed25519:rsa_pss_rsae_sha256:" \
	"rsa_pss_rsae_sha384:rsa_pss_rsae_sha512:RSA+SHA256:RSA+SHA384:"      \
	"RSA+SHA512"
#define SN_TLS_OPTIONS                                                        \
	(SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | \
	    SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA)

struct sn_tls_rest;

struct sn_tls_context {
	SSL_CTX *ctx;
	struct sn_tls_rest *rest; /* Of a server. */
	BIO_METHOD *method;
	bool server;
	bool any_protocol; /* Does without ALPN. */
	int holders;
};

struct sn_tls {
	SSL *ssl;
	struct sn_tls_context *context;
	int fd;
	sn_tls_verify *verify;
	void *verify_arg;
	int alert;          /* Received. */
	int sent;           /* Fatal, by us. */
	int verified;       /* X509_V_*: what is wrong with the server's. */
	int system;         /* errno of the socket; 0 while it is well. */
	unsigned renewed;   /* Handshake messages after the handshake. */
	bool done;          /* The handshake. */
	bool eof;           /* The end of the stream was read. */
	bool starved;       /* The last read of the socket found nothing. */
	bool drained;       /* ... got all that was there. */
	const char *reason; /* Of a failure; static storage. */
};

/** sn_tls_socket_method(): a BIO over a socket that never raises SIGPIPE. */
BIO_METHOD *sn_tls_socket_method(void);

/** sn_tls_socket(tls): such a BIO over the socket of ${tls}; or NULL. */
BIO *sn_tls_socket(struct sn_tls *tls);

/** sn_tls_rest_new(): what connections share after their handshakes. */
struct sn_tls_rest *sn_tls_rest_new(void);
void sn_tls_rest_free(struct sn_tls_rest *rest);

/** sn_tls_rest(tls): the handshake is over: let go of what only it needed,
 * the peer's certificate first. */
void sn_tls_rest(struct sn_tls *tls);

/** sn_tls_of(ssl): the connection that ${ssl} belongs to. */
struct sn_tls *sn_tls_of(const SSL *ssl);

#endif
