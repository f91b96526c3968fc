#include <stdlib.h>

#include "lib/tls.h"
#include "server/net/login.h"
#include "server/net/loop.h"

enum sn_err login_tls(struct sess *s, struct sn_why *why)
{
	struct loop *loop = s->loop;
	struct gate_visit *visit;
	enum sn_err err;

	if ((s->peer = calloc(1, sizeof(*s->peer))) == NULL)
		goto err0;
	if ((visit = calloc(1, sizeof(*visit))) == NULL)
		goto err1;
	*visit = (struct gate_visit){
		.gate = gate_hold(loop->gate),
		.address = s->address,
		.limit = &loop->refusals,
		.peer = s->peer,
	};
	err =
	    sn_tls_accept(loop->tls, s->watch.fd, gate_verify, visit, &s->tls);
	if (err != SN_OK)
		goto err2;
	s->visit = visit;
	return (SN_OK);

err2:
	gate_release(loop->gate);
	free(visit);
err1:
	free(s->peer);
	s->peer = NULL;
err0:
	return (sn_why(why, SN_ENOMEM, "no memory for a connection"));
}

void login_end_visit(struct sess *s)
{
	union {
		const struct gate *held;
		struct gate *gate;
	} u;

	if (s->visit == NULL)
		return;
	u.held = s->visit->gate;
	gate_release(u.gate);
	free(s->visit->leaf);
	free(s->visit);
	s->visit = NULL;
}

enum sn_err login_peer(struct sess *s)
{
	bool admitted = s->visit->admitted;

	s->leaf = s->visit->leaf;
	s->leaf_len = s->visit->leaf_len;
	s->visit->leaf = NULL;
	login_end_visit(s);
	return (admitted ? SN_OK : SN_ECERT);
}
