#ifndef SERVER_KEEPER_PROVIDER_H
#define SERVER_KEEPER_PROVIDER_H

#include <openssl/x509.h>

#include "lib/err.h"

/*
 * The TLS key lives in the keeper.  Here is an OpenSSL provider whose keys
 * know only a certificate's public key, and whose signatures are asked for
 * over a SOCK_SEQPACKET socket, one request and one reply at a time:
 *
 *	request  SHA-256 of the SubjectPublicKeyInfo (32), then all that
 *	         is to be signed (RFC 8446, 4.4.3: 98 + 32 or 98 + 48 bytes)
 *	reply    0, then the signature in DER; or one byte other than 0
 */
#define PROVIDER_KEY_ID 32
#define PROVIDER_INPUT_MAX 256
#define PROVIDER_REPLY_MAX 160

/**
 * provider_setup(why):
 * Register and load the provider beside OpenSSL's own, which stays the first
 * choice for everything.  Once a process, before threads start.  SN_ECRYPTO.
 */
enum sn_err provider_setup(struct sn_why *why) SN_MUST_USE;

/**
 * provider_thread_fd(fd):
 * The socket over which this thread asks for signatures; -1: none, signing
 * fails.  Not owned.  A signature is waited for, at most two seconds; a late
 * reply spoils the socket, and signing fails until a new one is given.
 */
void provider_thread_fd(int fd);

/**
 * provider_key(leaf, out, why):
 * A private key for the certificate ${leaf} (P-256 or P-384), usable by any
 * thread that has a socket.  SN_ECERT for other keys, SN_ECRYPTO.
 */
enum sn_err provider_key(
    const X509 *leaf, EVP_PKEY **out, struct sn_why *why) SN_MUST_USE;

#endif
