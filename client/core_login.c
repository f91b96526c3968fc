#include "client/core_internal.h"

#include <stdio.h>
#include <string.h>

#include "client/code.h"
#include "lib/clock.h"

#define AGENT "sicher"
#define SECRET_FRAME 2304 /* PASSWORD with two of the longest. */

static struct sn_bytes bytes_of(const struct sn_secret *s)
{
	return ((struct sn_bytes){ s->data, s->len });
}

void core_login_wipe(struct core *core)
{
	sn_secret_free(&core->password);
	sn_secret_free(&core->fresh);
}

void core_login_start(struct core *core)
{
	CORE_PUT(core, hello, .version = 1, .features = core->config.features,
	    .agent = sn_bytes_of(AGENT));
	core_enter(core, CORE_GREETING, CORE_LOGIN_NS);
}

static enum core_step no_memory(struct core *core, struct core_event *ev)
{
	return (core_fail(core, ev, SN_ENOMEM, false, "out of memory"));
}

static enum core_step ask(
    struct core *core, enum core_type what, bool again, struct core_event *ev)
{
	core->asked = true;
	ev->type = what;
	ev->again = again;
	core_enter(core, what == CORE_CHOOSE ? CORE_CHOOSING : CORE_ASKING, 0);
	return (CORE_STEP_EVENT);
}

enum core_step core_login_prove(struct core *core, struct core_event *ev)
{
	struct sn_frame_auth auth = { .password = bytes_of(&core->password) };
	struct sn_frame_resume resume = { .token = bytes_of(&core->token) };
	struct sn_wr w;

	core->by_token = core->token.len > 0;
	if (!core->by_token && core->password.len == 0)
		return (ask(core, CORE_PASSWORD, false, ev));
	if (core_wire_secret(core, SECRET_FRAME, &w) != SN_OK)
		return (no_memory(core, ev));
	if (core->by_token)
		sn_frame_put_resume(&w, &resume);
	else
		sn_frame_put_auth(&w, &auth);
	core_wire_put_secret(core, &w);
	core_enter(core, CORE_PROVING, CORE_LOGIN_NS);
	return (CORE_STEP_ON);
}

static enum core_step choose(struct core *core, struct core_event *ev)
{
	struct sn_frame_password f = { .ref = core_session_ref(core),
		.old = bytes_of(&core->password),
		.fresh = bytes_of(&core->fresh) };
	struct sn_wr w;

	if (core->fresh.len == 0)
		return (ask(core, CORE_CHOOSE, false, ev));
	if (core_wire_secret(core, SECRET_FRAME, &w) != SN_OK)
		return (no_memory(core, ev));
	sn_frame_put_password(&w, &f);
	core_wire_put_secret(core, &w);
	core_enter(core, CORE_CHANGING, CORE_LOGIN_NS);
	return (CORE_STEP_ON);
}

/* Keeps what was given until the login is through. */
static enum sn_err keep(struct sn_secret *where, struct sn_bytes p)
{
	struct sn_secret copy;
	enum sn_err err = sn_secret_copy(p.p, p.n, &copy);

	if (err != SN_OK)
		return (err);
	sn_secret_free(where);
	*where = copy;
	return (SN_OK);
}

/* An answer of the caller's: goes out when it is what we wait for. */
static enum sn_err answer(struct core *core, enum core_state waiting)
{
	struct core_event ignored;

	if (core->state != waiting)
		return (SN_OK);
	memset(&ignored, 0, sizeof(ignored));
	if (waiting == CORE_ASKING)
		(void)core_login_prove(core, &ignored);
	else
		(void)choose(core, &ignored);
	return (core->state == CORE_ENDED ? ignored.err : SN_OK);
}

enum sn_err core_password(struct core *core, struct sn_bytes p)
{
	enum sn_err err = keep(&core->password, p);

	return (err != SN_OK ? err : answer(core, CORE_ASKING));
}

enum sn_err core_choose(struct core *core, struct sn_bytes p)
{
	enum sn_err err = keep(&core->fresh, p);

	return (err != SN_OK ? err : answer(core, CORE_CHOOSING));
}

uint64_t core_now(const struct core *core)
{
	return (core->server_time +
		(sn_clock_mono() - core->server_at) / SN_NS_PER_MS);
}

static enum core_step welcome(
    struct core *core, const struct sn_frame *frame, struct core_event *ev)
{
	struct sn_frame_welcome f;
	struct core_welcome *w = &core->welcome;

	if (core->state != CORE_GREETING || !sn_frame_get_welcome(frame, &f) ||
	    f.version != 1)
		return (core_broken(core, ev, frame));
	core->server_time = f.now;
	core->server_at = sn_clock_mono();
	sn_bytes_text(f.server, w->server, sizeof(w->server));
	sn_bytes_text(f.account, w->account, sizeof(w->account));
	sn_bytes_text(f.device, w->device, sizeof(w->device));
	return (core_login_prove(core, ev));
}

static enum core_step ready(
    struct core *core, const struct sn_frame *frame, struct core_event *ev)
{
	struct sn_frame_ready f;

	if ((core->state != CORE_PROVING && core->state != CORE_CHANGING) ||
	    !sn_frame_get_ready(frame, &f))
		return (core_broken(core, ev, frame));
	if (f.token.n > 0 && keep(&core->token, f.token) != SN_OK)
		return (no_memory(core, ev));
	core->welcome.not_after = f.not_after;
	core_login_wipe(core);
	core->asked = false;
	core->was_open = true;
	core->losses = 0;
	core_enter(core, CORE_OPEN, 0);
	core_send_again(core);
	core_sync_again(core);
	ev->type = CORE_READY;
	return (CORE_STEP_EVENT);
}

static enum core_step busy(
    struct core *core, const struct sn_frame_error *f, struct core_event *ev)
{
	ev->retry_ms = f->retry_ms.set ? f->retry_ms.value : 1000;
	if (ev->retry_ms > CORE_BUSY_MAX_MS)
		return (core_fail(core, ev, SN_EBUSY, false,
		    "the server takes no password for this device for another "
		    "%d minutes, because too many were wrong",
		    (int)((ev->retry_ms + 59999) / 60000)));
	core->asked = true; /* Its patience may end while we wait. */
	ev->type = CORE_WAIT;
	core_enter(core, CORE_PAUSED, (ev->retry_ms + 1) * SN_NS_PER_MS);
	return (CORE_STEP_EVENT);
}

static enum core_step refused(
    struct core *core, const struct sn_frame *frame, struct core_event *ev)
{
	struct sn_frame_error f;

	if (!sn_frame_get_error(frame, &f))
		return (core_broken(core, ev, frame));
	sn_bytes_text(f.code, ev->code, sizeof(ev->code));
	ev->err = code_why(f.code, f.text, &ev->why);
	if (core->state == CORE_PROVING && core->by_token) {
		sn_secret_free(&core->token);
		return (core_login_prove(core, ev));
	}
	if (ev->err == SN_EBUSY &&
	    (core->state == CORE_PROVING || core->state == CORE_CHANGING))
		return (busy(core, &f, ev));
	if (core->state == CORE_PROVING && ev->err == SN_EAUTH) {
		sn_secret_free(&core->password);
		return (ask(core, CORE_PASSWORD, true, ev));
	}
	if (core->state == CORE_CHANGING &&
	    strcmp(ev->code, "weak-password") == 0) {
		sn_secret_free(&core->fresh);
		return (ask(core, CORE_CHOOSE, true, ev));
	}
	return (core_lost(core, ev, false));
}

static enum core_step bye(
    struct core *core, const struct sn_frame *frame, struct core_event *ev)
{
	struct sn_frame_bye f;

	if (!sn_frame_get_bye(frame, &f))
		return (core_broken(core, ev, frame));
	sn_bytes_text(f.code, ev->code, sizeof(ev->code));
	ev->err = code_why(f.code, f.text, &ev->why);
	return (core_lost(core, ev, code_find(f.code)->comes));
}

enum core_step core_login_frame(
    struct core *core, const struct sn_frame *frame, struct core_event *ev)
{
	struct sn_frame_ping ping;

	switch (frame->type) {
	case SN_FRAME_WELCOME:
		return (welcome(core, frame, ev));
	case SN_FRAME_READY:
		return (ready(core, frame, ev));
	case SN_FRAME_CHOOSE:
		if (core->state != CORE_PROVING || core->by_token)
			return (core_broken(core, ev, frame));
		return (choose(core, ev));
	case SN_FRAME_ERROR:
		return (refused(core, frame, ev));
	case SN_FRAME_BYE:
		return (bye(core, frame, ev));
	case SN_FRAME_PING:
		if (sn_frame_get_ping(frame, &ping))
			CORE_PUT(core, pong, .nonce = ping.nonce);
		return (CORE_STEP_ON);
	default:
		/* What a later version may say. */
		return (CORE_STEP_ON);
	}
}
