#ifndef SERVER_KEEPER_KEEPER_WIRE_H
#define SERVER_KEEPER_KEEPER_WIRE_H

#include "server/keeper/keeper_client.h"

/*
 * The packets between net's loops and the keeper.
 *
 *	request  verb (1), cookie (8), account id (8), fingerprint (32),
 *		 blob, blob
 *	answer   cookie (8), verdict (1), retry_ms (4), token_until_ms (8),
 *		 blob token
 *
 * Integers are big-endian; a blob is a 16-bit length and its bytes.
 */
#define KEEPER_WIRE_BLOB_MAX 1024
#define KEEPER_WIRE_REQUEST_MAX \
	(1 + 8 + 8 + 32 + 2 * (2 + KEEPER_WIRE_BLOB_MAX))
#define KEEPER_WIRE_ANSWER_MAX (8 + 1 + 4 + 8 + 2 + KEEPER_TOKEN_MAX)

enum keeper_verb {
	KEEPER_LOGIN = 1,  /* The password; nothing. */
	KEEPER_RESUME = 2, /* The token; nothing. */
	KEEPER_CHANGE = 3, /* The password or one-time secret; the new one. */
	KEEPER_LOGOUT = 4, /* Nothing; nothing. */
	KEEPER_VERB_COUNT,
};

struct keeper_request {
	uint8_t verb;
	uint64_t cookie;
	uint64_t account;
	uint8_t fp[KEEPER_FINGERPRINT];
	struct sn_bytes first, second; /* Into the packet. */
};

/** keeper_wire_request(w, request): write the packet; a bad ${w}: too big. */
void keeper_wire_request(struct sn_wr *w, const struct keeper_request *request);

/** keeper_wire_parse_request(packet, out): SN_EPROTO. */
enum sn_err keeper_wire_parse_request(
    struct sn_bytes packet, struct keeper_request *out) SN_MUST_USE;

void keeper_wire_answer(struct sn_wr *w, const struct keeper_answer *answer);
enum sn_err keeper_wire_parse_answer(
    struct sn_bytes packet, struct keeper_answer *out) SN_MUST_USE;

#endif
