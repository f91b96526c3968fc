#ifndef SN_LIB_TLS_H
#define SN_LIB_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/x509.h>

#include "lib/bytes.h"
#include "lib/err.h"
#include "lib/secret.h"
#include "lib/tls_alert.h"

/*
 * TLS 1.3 with certificates on both sides and ALPN "sicher/1", and nothing
 * else: no tickets, no cache, no early data, so that every connection is
 * checked as a whole.  The only place that does TLS I/O and that reads
 * OpenSSL's errors.
 */

#define SN_TLS_ALPN "sicher/1"

enum sn_tls_result {
	SN_TLS_OK,
	SN_TLS_WANT_READ,  /* Call again when the descriptor is readable. */
	SN_TLS_WANT_WRITE, /* Call again when the descriptor is writable. */
	SN_TLS_CLOSED,     /* The peer said close_notify: a proper end. */
	SN_TLS_TRUNCATED,  /* The stream ended without it: something is lost. */
	SN_TLS_FAILED,     /* See sn_tls_alert, sn_tls_reason, sn_tls_why. */
};

/*
 * Keys, certificates and settings that connections share.  Immutable, counted
 * (each connection holds its context), and usable by several threads.
 */
struct sn_tls_context;
struct sn_tls;

/**
 * sn_tls_server_new(chain, key, out, why):
 * A server's context: ${chain} is PEM, its own certificate first; ${key} its
 * private key or one that asks a key holder (a reference is taken).  SN_ECERT
 * when they do not belong together, SN_EINVAL, SN_ECRYPTO.
 */
enum sn_err sn_tls_server_new(struct sn_bytes chain, EVP_PKEY *key,
    struct sn_tls_context **out, struct sn_why *why) SN_MUST_USE;

/* What a client comes with; all in PEM. */
struct sn_tls_identity {
	struct sn_bytes authority; /* Whom it trusts to name servers. */
	struct sn_bytes
	    certificate; /* Its own, then intermediates; may be 0. */
	struct sn_bytes key;
	const struct sn_secret *passphrase; /* Of the key; NULL: none. */
	bool any_protocol; /* Talk to other servers, too: without ALPN. */
};

/**
 * sn_tls_client_new(identity, out, why):
 * A client's context.  SN_EPASSPHRASE, SN_ECERT (certificate and key do not
 * belong together), SN_EINVAL, SN_ECRYPTO, each with its sentence.
 */
enum sn_err sn_tls_client_new(const struct sn_tls_identity *identity,
    struct sn_tls_context **out, struct sn_why *why) SN_MUST_USE;

/** sn_tls_context_hold(context): one more reference; returns ${context}. */
struct sn_tls_context *sn_tls_context_hold(struct sn_tls_context *context);

/** sn_tls_context_free(context): drop this reference; NULL is fine. */
void sn_tls_context_free(struct sn_tls_context *context);

/**
 * Looks at the peer's certificate ${leaf} and the others it sent (${chain},
 * the leaf among them) in the middle of the handshake.  Returns
 * SN_TLS_ALERT_NONE to let it in, else the alert to send.
 */
typedef int sn_tls_verify(void *arg, X509 *leaf, STACK_OF(X509) * chain);

/**
 * sn_tls_accept(context, fd, verify, arg, out):
 * The server's end over the connected, non-blocking socket ${fd}, which stays
 * the caller's and must outlive the connection; so must ${arg} until the
 * handshake is over.  ${verify} alone decides about the peer's certificate;
 * without one (NULL) every certificate is refused.
 * The certificate is gone when the handshake is over.  SN_ENOMEM.
 */
enum sn_err sn_tls_accept(struct sn_tls_context *context, int fd,
    sn_tls_verify *verify, void *arg, struct sn_tls **out) SN_MUST_USE;

/**
 * sn_tls_connect(context, fd, server, out):
 * The client's end over a connected socket (blocking or not), as above.
 * ${server} is the DNS name or IP address that was dialled: it must be among
 * the alternative names of the server's certificate.  SN_EINVAL when it is
 * neither, SN_ENOMEM.
 */
enum sn_err sn_tls_connect(struct sn_tls_context *context, int fd,
    const char *server, struct sn_tls **out) SN_MUST_USE;

/** sn_tls_free(tls): frees without a word to the peer; NULL is fine. */
void sn_tls_free(struct sn_tls *tls);

/**
 * sn_tls_handshake(tls):
 * Go on with the handshake: OK when done.  After OK on a client the server
 * has not yet judged its certificate: a refusal arrives with the first read.
 * The alert of a failure is on the wire when this returns FAILED.
 */
enum sn_tls_result sn_tls_handshake(struct sn_tls *tls) SN_MUST_USE;

/**
 * sn_tls_read(tls, out, size, n):
 * Up to ${size} bytes into ${out}, *${n} > 0 of them on OK.  Bytes may wait
 * inside TLS where poll cannot see them: read until WANT_READ, or look at
 * sn_tls_more before waiting.
 */
enum sn_tls_result sn_tls_read(
    struct sn_tls *tls, void *out, size_t size, size_t *n) SN_MUST_USE;

/**
 * sn_tls_write(tls, p, size, n):
 * Give *${n} of ${size} bytes to the peer.  After WANT_READ or WANT_WRITE
 * call again with the same bytes (they may have moved, more may have been
 * appended).  Never raises SIGPIPE.
 */
enum sn_tls_result sn_tls_write(
    struct sn_tls *tls, const void *p, size_t size, size_t *n) SN_MUST_USE;

/**
 * sn_tls_discard(tls):
 * Throw away what the peer of a connection that has failed still sends, a
 * share of it; false when nothing more will come.  A socket closed with
 * unread input is reset, and the alert lost that says why.
 */
bool sn_tls_discard(struct sn_tls *tls);

/**
 * sn_tls_shutdown(tls):
 * Send close_notify: OK when it is on its way, after which only reading makes
 * sense.  Does not wait for the peer's.
 */
enum sn_tls_result sn_tls_shutdown(struct sn_tls *tls) SN_MUST_USE;

/**
 * sn_tls_more(tls):
 * After a read: whether another one may give something at once.  If not, the
 * socket was empty and nothing waits inside TLS: wait until the descriptor is
 * readable (with a level-triggered poll, which tells what came meanwhile).
 */
bool sn_tls_more(const struct sn_tls *tls);

/** sn_tls_alert(tls): the alert the peer sent, or SN_TLS_ALERT_NONE. */
int sn_tls_alert(const struct sn_tls *tls);

/** sn_tls_sent(tls): the fatal alert we sent, or SN_TLS_ALERT_NONE. */
int sn_tls_sent(const struct sn_tls *tls);

/** sn_tls_reason(tls): the library's reason of a FAILED, for logs; "" if none. */
const char *sn_tls_reason(const struct sn_tls *tls);

/** sn_tls_cipher(tls): the name of the cipher suite in use, "" before. */
const char *sn_tls_cipher(const struct sn_tls *tls);

/**
 * sn_tls_why(tls, server, why):
 * For a client whose connection ended in TRUNCATED or FAILED: the sentence
 * for the person in front of it, naming ${server} (as dialled), what the
 * server refused or what is wrong with the server's certificate, and what to
 * do next.  Returns the error of that kind: SN_ECERT, SN_EREVOKED or
 * SN_EEXPIRED (the server refused our certificate), SN_EDENIED (we refused
 * the server's), SN_EPROTO (no TLS 1.3, or not a SicherNetz server),
 * SN_ECLOSED (truncated).
 */
enum sn_err sn_tls_why(
    const struct sn_tls *tls, const char *server, struct sn_why *why);

#endif
