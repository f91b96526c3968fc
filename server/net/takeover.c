#include "server/net/takeover.h"

#include <stdlib.h>

#include "server/net/net_impl.h"

struct takeover {
	struct mail mail;
	uint64_t session;
};

enum sn_err takeover_new(struct takeover **out)
{
	*out = calloc(1, sizeof(**out));
	return (*out == NULL ? SN_ENOMEM : SN_OK);
}

void takeover_free(struct takeover *t)
{
	free(t);
}

static void run(void *owner, struct mail *mail)
{
	struct takeover *t = (struct takeover *)mail;
	struct loop *loop = owner;
	struct sess *s = map_get(&loop->sessions, t->session);

	free(t);
	if (s != NULL)
		sess_bye(
		    s, "takeover", "another session of this device took over");
}

void takeover_post(
    struct takeover *t, struct net *net, struct cursors_owner owner)
{
	t->mail.run = run;
	t->session = owner.session;
	mailbox_post(net->loops[owner.loop]->mailbox, &t->mail);
}
