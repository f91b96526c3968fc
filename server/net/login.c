#include "server/net/login.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/log.h"
#include "lib/tls.h"
#include "server/oplog/db.h"
#include "server/net/audit.h"
#include "server/net/directory.h"
#include "server/net/dispatch.h"
#include "server/net/follow.h"
#include "server/net/loop.h"
#include "server/net/net_impl.h"
#include "server/net/owner.h"
#include "server/net/sess_answer.h"
#include "server/net/sess_error.h"
#include "server/net/sess_work.h"

#define VERSION 1
#define REFUSED_MAX 5

void login_stop(struct sess *s)
{
	login_end_visit(s);
	if (s->admitted != NULL)
		sn_secret_wipe(s->admitted, sizeof(*s->admitted));
	free(s->admitted);
	s->admitted = NULL;
	free(s->leaf);
	s->leaf = NULL;
}

/* Why a certificate that TLS accepts opens no session here. */
static void refuse(
    struct sess *s, const char *code, const char *text, const char *reason)
{
	audit(s, SN_NOTICE, "login.refused", reason);
	sess_refuse(s, code, text);
}

static void no_account(struct sess *s, const char *reason)
{
	refuse(
	    s, "no-account", "your certificate opens no account here", reason);
}

/*
 * Certificate to account, as the database and the gate stand now; done at
 * HELLO and again on entering ready.  False: the session is ending.
 */
static bool admit(struct sess *s, struct owner *owner)
{
	const struct owner_refusal *r;
	struct sn_txn *txn;
	enum sn_err err;

	if (sess_recheck(s))
		return (false);
	if ((err = loop_read_fresh(s->loop, &txn)) != SN_OK ||
	    (err = owner_find(txn, s->peer, owner)) != SN_OK) {
		sn_log(SN_WARN, "login.failed", "sess=%llu error=%s",
		    (unsigned long long)s->id, sn_err_name(err));
		sess_bye(s, "internal", "the server failed; its log says why");
		return (false);
	}
	if ((r = owner->refusal) != NULL)
		refuse(s, r->code, r->text, r->reason);
	return (r == NULL);
}

void login_on_hello(struct sess *s, const struct sn_frame *frame)
{
	struct sn_frame_hello hello;
	struct sn_frame_welcome welcome = { .version = VERSION };
	struct owner owner;
	struct sn_wr w;

	if (!sn_frame_get_hello(frame, &hello)) {
		dispatch_bad(s, frame,
		    "HELLO needs version, features, "
		    "agent");
		return;
	}
	if (hello.version < VERSION) {
		sess_bye(s, "version", "this server speaks version 1");
		return;
	}
	if (!admit(s, &owner))
		return;
	s->account = owner.account.id;
	s->features = hello.features;
	welcome.features = SN_FEATURES_ALL;
	(void)snprintf(
	    s->account_name, sizeof(s->account_name), "%s", owner.account.name);
	welcome.server = sn_bytes_of(s->loop->settings->name);
	welcome.account = sn_bytes_of(owner.account.name);
	welcome.device = sn_bytes_of(s->peer->label);
	welcome.now = sn_clock_wall_ms();
	welcome.max_frame = SN_FRAME_MAX;
	w = sess_put(s, 1024);
	sn_frame_put_welcome(&w, &welcome);
	sess_put_end(s, &w);
	if (s->state != SESS_CLOSED)
		(void)sess_enter(s, SESS_AUTH);
}

/* The device's first login: it is bound in the log before READY. */
static void bind_device(struct sess *s)
{
	struct op op = { .kind = OP_DEVICE_BIND, .time = sn_clock_wall_ms() };
	struct device *d = &op.device_bind.device;
	enum sn_err err;

	memcpy(d->fingerprint, s->peer->fingerprint, DEVICE_FINGERPRINT);
	d->account = s->account;
	d->not_after = s->peer->not_after;
	(void)snprintf(d->serial, sizeof(d->serial), "%s", s->peer->serial);
	(void)snprintf(d->issuer, sizeof(d->issuer), "%.*s", DEVICE_ISSUER_MAX,
	    s->peer->issuer);
	(void)snprintf(d->label, sizeof(d->label), "%s", s->peer->label);
	op.device_bind.limit = s->loop->settings->account.devices_max;
	if ((err = net_submit(s, 0, &op)) != SN_OK) {
		sess_bye(s, "internal",
		    "the server cannot store at the "
		    "moment");
		return;
	}
	s->login = SESS_LOGIN_BIND;
}

static void note_seen(struct sess *s)
{
	struct sn_bytes key = { s->peer->fingerprint, DEVICE_FINGERPRINT };
	struct device_seen seen = { .time = sn_clock_wall_ms(),
		.issuer_known = true };
	uint8_t space[DEVICE_SEEN_MAX];
	struct sn_bytes value = { space, 0 };

	memcpy(seen.issuer, s->peer->links[0].issuer, sizeof(seen.issuer));
	value.n = device_seen_write(&seen, space);
	/* Only shown to administrators: it may be lost. */
	oplog_ride_row(s->loop->net->log, DB_DEVICE_SEEN, key, value);
}

static void enter_ready(struct sess *s)
{
	struct keeper_answer *a = s->admitted;
	struct sn_frame_ready f = {
		.token = { a->token, a->token_len },
		.token_until = a->token_until_ms,
		.not_after = (uint64_t)s->peer->not_after * SN_MS_PER_S,
	};
	struct sn_wr w;
	enum sn_err err;

	s->login = SESS_LOGIN_NONE;
	if ((err = allowance_enter(s)) != SN_OK) {
		if (err == SN_ELIMIT)
			allowance_end(s);
		else
			sess_bye(s, "internal", "the server has no memory");
		return;
	}
	note_seen(s);
	s->heard = sn_clock_mono();
	if (!sess_enter(s, SESS_READY))
		return;
	/* As long as for a login, for its SYNC. */
	if (s->surplus)
		deadline_set(
		    s, s->heard + s->loop->settings->limits.handshake_time *
				      SN_NS_PER_MS);
	audit(s, SN_INFO, "session.ready", s->admitted_by);
	w = sess_put(s, 512);
	sn_frame_put_ready(&w, &f);
	sess_put_end(s, &w);
	directory_keep(s);
	login_stop(s);
	follow_ready(s);
	sess_again(s);
}

/* The password was right: look at everything once more, as it is now. */
static void admit_again(struct sess *s, const struct keeper_answer *answer)
{
	struct owner owner;

	if (!admit(s, &owner))
		return;
	if (owner.account.id != s->account) {
		no_account(s, "the account was created anew meanwhile");
		return;
	}
	if ((s->admitted = malloc(sizeof(*s->admitted))) == NULL) {
		sess_drop(s);
		return;
	}
	*s->admitted = *answer;
	if (owner.bound)
		enter_ready(s);
	else
		bind_device(s);
}

void login_bound(struct sess *s, const struct oplog_request *request)
{
	struct owner owner;

	if (s->login != SESS_LOGIN_BIND)
		return;
	s->login = SESS_LOGIN_NONE;
	if (request->err == SN_ELIMIT) {
		limits_reached(s->loop->net, limits_of(request));
		refuse(s, "no-account",
		    "your account has as many devices as it may have; ask "
		    "your administrator to revoke one",
		    "too many devices");
		return;
	}
	if (request->err != SN_OK) {
		sess_bye(s, "internal",
		    "the server cannot store at the "
		    "moment");
		return;
	}
	/* While it was stored, much may have happened. */
	if (!admit(s, &owner))
		return;
	if (!owner.bound || owner.account.id != s->account)
		no_account(s, "the device could not be bound");
	else
		enter_ready(s);
}

static void refused(struct sess *s, enum sess_login what, uint64_t ref)
{
	const uint64_t *r = what == SESS_LOGIN_CHANGE ? &ref : NULL;

	if (what == SESS_LOGIN_RESUME) {
		audit_limited(s, "login.token", "refused");
		sess_error(
		    s, NULL, "token-refused", "log in with your password");
		return;
	}
	audit(s, SN_NOTICE, "login.password", "refused");
	if (s->state != SESS_READY && ++s->refused >= REFUSED_MAX) {
		sess_bye(s, "auth-failed", "too many refused passwords");
		return;
	}
	sess_error(s, r, "auth-failed", "the password was not accepted");
}

static void succeeded(struct sess *s, enum sess_login what, uint64_t ref,
    const struct keeper_answer *answer)
{
	if (s->state != SESS_READY) {
		s->admitted_by = what == SESS_LOGIN_RESUME   ? "token"
				 : what == SESS_LOGIN_CHANGE ? "first password"
							     : "password";
		admit_again(s, answer);
		return;
	}
	sn_log(SN_INFO,
	    what == SESS_LOGIN_LOGOUT ? "login.logout"
				      : "login.password_changed",
	    "sess=%llu account=\"%s\" serial=%s address=\"%s\"",
	    (unsigned long long)s->id, s->account_name, s->peer->serial,
	    s->address);
	sess_answer_done(s, ref, 0);
}

void login_answer(struct sess *s, const struct keeper_answer *answer)
{
	enum sess_login what = s->login;
	const uint64_t *ref =
	    what == SESS_LOGIN_CHANGE || what == SESS_LOGIN_LOGOUT
		? &s->login_ref
		: NULL;
	struct sn_frame_choose choose = { 0 };
	struct sn_wr w;

	if (what == SESS_LOGIN_NONE || what == SESS_LOGIN_BIND ||
	    s->state == SESS_DRAINING || s->state == SESS_CLOSED)
		return;
	s->login = SESS_LOGIN_NONE;
	/* The wait was ours. */
	deadline_add(s, sn_clock_mono() - s->waited);
	sess_again(s);
	switch (answer->verdict) {
	case KEEPER_OK:
		succeeded(s, what, s->login_ref, answer);
		break;
	case KEEPER_CHOOSE:
		w = sess_put(s, 16);
		sn_frame_put_choose(&w, &choose);
		sess_put_end(s, &w);
		if (s->state == SESS_AUTH)
			(void)sess_enter(s, SESS_CHOOSE);
		break;
	case KEEPER_REFUSED:
		refused(s, what, s->login_ref);
		break;
	case KEEPER_WEAK:
		sess_error(s, ref, "weak-password",
		    "a password needs at least 8 bytes");
		break;
	case KEEPER_BUSY:
		limits_reached(s->loop->net, LIMITS_PASSWORD_QUEUE);
		audit_limited(s, "login.busy", "too many logins at once");
		sess_error_retry(s, ref, "busy",
		    "too many logins at once; try again", answer->retry_ms);
		break;
	case KEEPER_FAILED:
		audit_limited(s, "login.busy", "the keeper failed");
		sess_error_retry(s, ref, "busy",
		    "the server cannot check passwords at the moment", 1000);
		break;
	}
}
