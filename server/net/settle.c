#include "server/net/settle.h"

#include "server/net/follow.h"
#include "server/net/loop.h"
#include "server/net/net_impl.h"
#include "server/net/sess_work.h"

bool settle_reached(struct loop *loop, uint64_t seq)
{
	if (!oplog_readable(loop->net->log, seq))
		return (false);
	/* The turn's snapshot may be older. */
	loop_let_go(loop);
	return (true);
}

static void ask(struct loop *loop, enum oplog_settle when)
{
	struct oplog_request *q;

	/* One under way is enough, where it is as quick. */
	if (loop->settling == OPLOG_SETTLE_NOW || loop->settling == when ||
	    oplog_settle_new(when, &q) != SN_OK)
		return;
	q->loop = loop->index;
	if (oplog_submit_more(loop->net->log, q) != SN_OK) {
		oplog_request_free(q);
		return; /* settle_tick asks again. */
	}
	loop->settling = when;
	loop->submitted = true;
}

void settle_soon(struct loop *loop)
{
	ask(loop, OPLOG_SETTLE_SOON);
}

void settle_wait(struct sess *s)
{
	struct loop *loop = s->loop;

	if (!s->unsettled) {
		s->unsettled = true;
		s->next_unsettled = loop->unsettled;
		loop->unsettled = s;
	}
	if (!oplog_stuck(loop->net->log))
		ask(loop, OPLOG_SETTLE_NOW);
}

/* Fed here and now: before the next batch is told, what they are fed is all
 * that there is. */
static void release(struct loop *loop)
{
	struct sess *s = loop->unsettled, *next;

	loop->unsettled = NULL;
	loop_let_go(loop);
	for (; s != NULL; s = next) {
		next = s->next_unsettled;
		s->unsettled = false;
		follow_feed(s);
		if (s->state != SESS_CLOSED)
			sess_again(s);
	}
}

void settle_told(struct loop *loop, const struct oplog_request *q)
{
	if (loop->settling == q->settle)
		loop->settling = OPLOG_SETTLE_NOT;
	if (q->err == SN_OK) {
		release(loop);
		return;
	}
	/* Their frames are answered with what can be read. */
	for (struct sess *s = loop->unsettled; s != NULL; s = s->next_unsettled)
		sess_again(s);
}

void settle_tick(struct loop *loop)
{
	struct oplog *log = loop->net->log;

	if (loop->unsettled == NULL || oplog_stuck(log))
		return;
	if (oplog_settled(log, loop->head))
		release(loop);
	else
		ask(loop, OPLOG_SETTLE_NOW);
}

void settle_forget(struct loop *loop)
{
	struct sess **at = &loop->unsettled;

	while (*at != NULL) {
		if ((*at)->state == SESS_CLOSED)
			*at = (*at)->next_unsettled;
		else
			at = &(*at)->next_unsettled;
	}
}
