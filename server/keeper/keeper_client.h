#ifndef SERVER_KEEPER_KEEPER_CLIENT_H
#define SERVER_KEEPER_KEEPER_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/bytes.h"
#include "lib/err.h"

/*
 * Asking the keeper, from one of net's loops: about passwords and resume
 * tokens, over one non-blocking SOCK_SEQPACKET socket.  Such a socket holds
 * very few packets (10, where net.unix.max_dgram_qlen says so); what does not
 * fit waits here.  The answer comes later, under the cookie that the caller
 * chose.  Passwords are wiped from every buffer here once sent.
 */
#define KEEPER_TOKEN_MAX 256
#define KEEPER_FINGERPRINT 32

enum keeper_verdict {
	KEEPER_OK,
	KEEPER_CHOOSE,  /* A one-time secret: now a password is to be set. */
	KEEPER_REFUSED, /* Whatever the reason was. */
	KEEPER_BUSY,    /* Try again after retry_ms. */
	KEEPER_WEAK,    /* The new password is too short or too long. */
	KEEPER_FAILED,  /* The keeper could not answer. */
};

struct keeper_answer {
	uint64_t cookie;
	enum keeper_verdict verdict;
	uint32_t retry_ms; /* With KEEPER_BUSY. */
	uint8_t token[KEEPER_TOKEN_MAX];
	size_t token_len;        /* 0: none was given. */
	uint64_t token_until_ms; /* Wall clock, ms since 1970. */
};

typedef void keeper_client_answer(
    void *arg, const struct keeper_answer *answer);

struct keeper_client;

/** keeper_client_new(fd, out): takes ${fd} on success.  SN_ENOMEM. */
enum sn_err keeper_client_new(int fd, struct keeper_client **out) SN_MUST_USE;

/** keeper_client_free(kc): outstanding requests are forgotten; NULL is fine. */
void keeper_client_free(struct keeper_client *kc);

/** keeper_client_fd(kc): to be watched for reading; -1 once it is gone. */
int keeper_client_fd(const struct keeper_client *kc);

/**
 * keeper_client_replace_fd(kc, fd, answer, arg):
 * Speak to a new keeper: closes the old socket, takes ${fd}, and answers
 * every outstanding request KEEPER_FAILED.
 */
enum sn_err keeper_client_replace_fd(struct keeper_client *kc, int fd,
    keeper_client_answer *answer, void *arg) SN_MUST_USE;

/** keeper_client_waits(kc): requests wait: watch the socket for writing as
 * well, and call keeper_client_flush when it can be written. */
bool keeper_client_waits(const struct keeper_client *kc);
void keeper_client_flush(struct keeper_client *kc);

/*
 * The requests: SN_OK when it has been sent or waits, SN_EFULL when it
 * cannot be (too many wait, the socket is gone, ${kc} is NULL, or something
 * is longer than 1024 bytes): answer busy.  ${fp} is the
 * SHA-256 fingerprint of the session's certificate.  A cookie is not 0 and
 * may not be used twice at a time.
 */
enum sn_err keeper_client_login(struct keeper_client *kc, uint64_t cookie,
    uint64_t account, const uint8_t fp[KEEPER_FINGERPRINT],
    struct sn_bytes password) SN_MUST_USE;
enum sn_err keeper_client_resume(struct keeper_client *kc, uint64_t cookie,
    uint64_t account, const uint8_t fp[KEEPER_FINGERPRINT],
    struct sn_bytes token) SN_MUST_USE;
/** ${old} is the password, or the one-time secret, which this redeems. */
enum sn_err keeper_client_change(struct keeper_client *kc, uint64_t cookie,
    uint64_t account, const uint8_t fp[KEEPER_FINGERPRINT], struct sn_bytes old,
    struct sn_bytes fresh) SN_MUST_USE;
/** Ends every token of the account; durable when answered. */
enum sn_err keeper_client_logout(
    struct keeper_client *kc, uint64_t cookie, uint64_t account) SN_MUST_USE;

/**
 * keeper_client_read(kc, answer, arg):
 * Call ${answer} for what has arrived; never blocks.  SN_ECLOSED when the
 * keeper is gone: wait for keeper_client_replace_fd.
 */
enum sn_err keeper_client_read(struct keeper_client *kc,
    keeper_client_answer *answer, void *arg) SN_MUST_USE;

#endif
