#include "server/keeper/keeper_wire.h"

#include <string.h>

void keeper_wire_request(struct sn_wr *w, const struct keeper_request *request)
{
	sn_wr_u8(w, request->verb);
	sn_wr_u64(w, request->cookie);
	sn_wr_u64(w, request->account);
	sn_wr_put(w, request->fp, sizeof(request->fp));
	sn_wr_blob(w, request->first);
	sn_wr_blob(w, request->second);
}

enum sn_err keeper_wire_parse_request(
    struct sn_bytes packet, struct keeper_request *out)
{
	struct sn_rd r = sn_rd_over(packet.p, packet.n);

	out->verb = sn_rd_u8(&r);
	out->cookie = sn_rd_u64(&r);
	out->account = sn_rd_u64(&r);
	sn_rd_copy(&r, out->fp, sizeof(out->fp));
	out->first = sn_rd_blob(&r);
	out->second = sn_rd_blob(&r);
	if (!sn_rd_end(&r) || out->first.n > KEEPER_WIRE_BLOB_MAX ||
	    out->second.n > KEEPER_WIRE_BLOB_MAX)
		return (SN_EPROTO);
	return (SN_OK);
}

void keeper_wire_answer(struct sn_wr *w, const struct keeper_answer *answer)
{
	sn_wr_u64(w, answer->cookie);
	sn_wr_u8(w, (uint8_t)answer->verdict);
	sn_wr_u32(w, answer->retry_ms);
	sn_wr_u64(w, answer->token_until_ms);
	sn_wr_blob(w, (struct sn_bytes){ answer->token, answer->token_len });
}

enum sn_err keeper_wire_parse_answer(
    struct sn_bytes packet, struct keeper_answer *out)
{
	struct sn_rd r = sn_rd_over(packet.p, packet.n);
	struct sn_bytes token;
	uint8_t verdict;

	memset(out, 0, sizeof(*out));
	out->cookie = sn_rd_u64(&r);
	verdict = sn_rd_u8(&r);
	out->retry_ms = sn_rd_u32(&r);
	out->token_until_ms = sn_rd_u64(&r);
	token = sn_rd_blob(&r);
	if (!sn_rd_end(&r) || verdict > KEEPER_FAILED ||
	    token.n > sizeof(out->token))
		return (SN_EPROTO);
	out->verdict = (enum keeper_verdict)verdict;
	if (token.n > 0)
		memcpy(out->token, token.p, token.n);
	out->token_len = token.n;
	return (SN_OK);
}
