#include "lib/clock.h"
#include "server/net/audit.h"
#include "server/net/dispatch.h"
#include "server/net/login.h"
#include "server/net/loop.h"
#include "server/net/net_impl.h"
#include "server/net/sess_error.h"

/* The keeper has it, or has no room for it. */
static void asked(
    struct sess *s, enum sn_err err, enum sess_login what, const uint64_t *ref)
{
	if (err != SN_OK) {
		limits_reached(s->loop->net, LIMITS_PASSWORD_QUEUE);
		audit_limited(s, "login.busy", "the keeper takes no more");
		sess_error_retry(
		    s, ref, "busy", "too many logins at once; try again", 1000);
		return;
	}
	s->login = what;
	s->login_ref = ref != NULL ? *ref : 0;
	s->waited = sn_clock_mono();
}

void login_on_auth(struct sess *s, const struct sn_frame *frame)
{
	struct sn_frame_auth f;

	if (!sn_frame_get_auth(frame, &f)) {
		dispatch_bad(s, frame,
		    "AUTH needs a password of 1 to 1024 "
		    "bytes");
		return;
	}
	asked(s,
	    keeper_client_login(s->loop->keeper, s->id, s->account,
		s->peer->fingerprint, f.password),
	    SESS_LOGIN_PASSWORD, NULL);
}

void login_on_resume(struct sess *s, const struct sn_frame *frame)
{
	struct sn_frame_resume f;

	if (!sn_frame_get_resume(frame, &f)) {
		dispatch_bad(s, frame, "RESUME needs a token");
		return;
	}
	asked(s,
	    keeper_client_resume(s->loop->keeper, s->id, s->account,
		s->peer->fingerprint, f.token),
	    SESS_LOGIN_RESUME, NULL);
}

void login_on_password(struct sess *s, const struct sn_frame *frame)
{
	struct sn_frame_password f;

	if (!sn_frame_get_password(frame, &f)) {
		dispatch_bad(s, frame, "PASSWORD needs ref, old, new");
		return;
	}
	asked(s,
	    keeper_client_change(s->loop->keeper, s->id, s->account,
		s->peer->fingerprint, f.old, f.fresh),
	    SESS_LOGIN_CHANGE, &f.ref);
}

void login_on_logout(struct sess *s, const struct sn_frame *frame)
{
	struct sn_frame_logout f;

	if (!sn_frame_get_logout(frame, &f)) {
		dispatch_bad(s, frame, "LOGOUT needs a ref");
		return;
	}
	asked(s, keeper_client_logout(s->loop->keeper, s->id, s->account),
	    SESS_LOGIN_LOGOUT, &f.ref);
}
