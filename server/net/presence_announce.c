#include "lib/clock.h"
#include "lib/log.h"
#include "server/net/circular.h"
#include "server/net/followers.h"
#include "server/net/net_impl.h"
#include "server/net/presence.h"
#include "server/net/visible.h"
#include "server/oplog/account.h"

#define TELL_MOST 256 /* Accounts a second; the others wait for the next. */

/* Who hears of one account, and what. */
struct told {
	struct viewers viewers;
	size_t n;
	uint8_t frame[PRESENCE_FRAME];
};

static void hear(struct sess *s, const void *arg)
{
	const struct told *t = arg;

	if ((s->features & SN_FEATURE_PRESENCE) && s->state == SESS_READY &&
	    sess_room(s))
		sess_put_bytes(s, (struct sn_bytes){ t->frame, t->n });
}

static void read_told(struct loop *loop, const void *paper)
{
	const struct told *t = paper;

	for (size_t i = 0; i < t->viewers.count; i++)
		followers_of_account(loop, t->viewers.ids[i], hear, t);
}

/* What ${account} is now, to all that may know it and are here. */
static enum sn_err build(struct net *net, struct sn_txn *txn, uint64_t account,
    enum presence_state state, struct told *t)
{
	struct sn_frame_presence f = { .state =
					   sn_bytes_of(presence_word(state)) };
	struct sn_wr w = sn_wr_over(t->frame, sizeof(t->frame));
	struct account a;
	enum sn_err err;

	if ((err = account_get(txn, account, &a)) != SN_OK ||
	    (err = visible_viewers(txn, account,
		 (enum visible_to)net->settings->account.visible,
		 net->settings->limits.small_room, &t->viewers)) != SN_OK)
		return (err);
	f.account = sn_bytes_of(a.name);
	if (state == PRESENCE_OFFLINE)
		f.seen = (struct sn_maybe){ true, sn_clock_wall_ms() };
	sn_frame_put_presence(&w, &f);
	t->n = w.n;
	return (w.bad ? SN_EBUG : SN_OK);
}

static void tell(struct net *net, struct sn_txn *txn, uint64_t account,
    enum presence_state state)
{
	struct circular *c = circular_new(net, sizeof(struct told), read_told);
	enum sn_err err = SN_ENOMEM;

	if (c != NULL && (err = build(net, txn, account, state,
			      circular_paper(c))) == SN_OK) {
		circular_post(c);
		return;
	}
	circular_free(c);
	sn_log(SN_WARN, "presence.untold", "account_id=%llu error=%s",
	    (unsigned long long)account, sn_err_name(err));
}

void presence_announce(struct net *net)
{
	enum presence_state state;
	struct sn_txn *txn = NULL;
	uint64_t account;

	for (unsigned n = 0;
	     n < TELL_MOST && presence_take(net->presence, &account, &state);
	     n++) {
		if (atomic_load(&net->presence_wanted) == 0)
			continue;
		if (txn == NULL && sn_txn_read(net->store, &txn) != SN_OK)
			break;
		tell(net, txn, account, state);
	}
	sn_txn_abort(txn);
}
