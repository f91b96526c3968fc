#include "server/net/sess_answer.h"

#include "server/net/sess.h"

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
