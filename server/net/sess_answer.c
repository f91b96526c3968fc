#include "server/net/sess_answer.h"

#include "server/net/limits.h"
#include "server/net/loop.h"
#include "server/net/sess_error.h"

bool sess_answer_refused(struct sess *s, const struct oplog_request *q)
{
	if (q->err == SN_ELIMIT) {
		limits_error(s, q->ref, limits_of(q));
		return (true);
	}
	if (q->err == SN_ESTOREFULL)
		limits_reached(s->loop->net, LIMITS_MAP_SIZE);
	if (q->err != SN_OK)
		sess_error_of(s, q->ref, q->err);
	return (q->err != SN_OK);
}

void sess_answer_done(struct sess *s, uint64_t ref, uint64_t seq)
{
	struct sn_frame_done f = { .ref = ref, .seq = seq };
	struct sn_wr w = sess_put(s, 32);

	sn_frame_put_done(&w, &f);
	sess_put_end(s, &w);
}

void sess_answer_end(struct sess *s, const struct sn_frame_end *end)
{
	struct sn_wr w = sess_put(s, 32);

	sn_frame_put_end(&w, end);
	sess_put_end(s, &w);
}
