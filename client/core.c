#include "client/core.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/code.h"
#include "client/core_internal.h"
#include "lib/clock.h"

#define AGAIN_FIRST_MS 250
#define AGAIN_MOST_MS 60000

enum sn_err core_new(const struct core_config *config, struct core **out)
{
	struct core *core = calloc(1, sizeof(*core));

	if (core == NULL)
		return (SN_ENOMEM);
	core->config = *config;
	core->fd = -1;
	core->sends_end = &core->sends;
	sn_buf_init(&core->in, 2 * (SN_FRAME_HEAD + SN_FRAME_MAX));
	sn_buf_init(&core->out, CORE_OUT_MAX);
	*out = core;
	return (SN_OK);
}

void core_free(struct core *core)
{
	if (core == NULL)
		return;
	core_wire_drop(core);
	core_login_wipe(core);
	sn_secret_free(&core->token);
	core_send_free(core);
	sn_buf_free(&core->in);
	sn_buf_free(&core->out);
	if (core->addresses != NULL)
		freeaddrinfo(core->addresses);
	free(core);
}

void core_enter(struct core *core, enum core_state state, uint64_t ns)
{
	core->state = state;
	core->deadline = ns == 0 ? UINT64_MAX : sn_clock_mono() + ns;
}

void core_start(struct core *core)
{
	core_enter(core, CORE_AWAY, 0);
	core->deadline = 0;
}

void core_adopt(struct core *core, int fd)
{
	core->fd = fd;
	core_enter(core, CORE_SHAKING, CORE_LOGIN_NS);
}

/* Twice as long each time, and not all clients at the same moment. */
static uint64_t again_ms(unsigned losses)
{
	uint64_t ms = AGAIN_FIRST_MS;
	uint16_t chance;

	for (unsigned i = 1; i < losses && ms < AGAIN_MOST_MS; i++)
		ms *= 2;
	if (ms > AGAIN_MOST_MS)
		ms = AGAIN_MOST_MS;
	sn_secret_random(&chance, sizeof(chance));
	return (ms - ms / 4 + ms / 2 * chance / UINT16_MAX);
}

enum core_step core_lost(struct core *core, struct core_event *ev, bool comes)
{
	/* While somebody typed, the server's patience may have ended. */
	bool waited = core->asked && comes;
	bool leaving = core->state == CORE_LEAVING;

	core_wire_drop(core);
	core->asked = false;
	if (leaving) {
		ev->err = SN_OK;
	} else if (waited && core->state != CORE_ENDED) {
		core_enter(core, CORE_AWAY, 1);
		return (CORE_STEP_GONE);
	} else if (comes && core->config.reconnect && core->was_open) {
		core->losses++;
		ev->type = CORE_LOST;
		ev->retry_ms = again_ms(core->losses);
		core_enter(core, CORE_AWAY, ev->retry_ms * SN_NS_PER_MS);
		return (CORE_STEP_EVENT);
	}
	ev->type = CORE_OVER;
	core_enter(core, CORE_ENDED, 0);
	return (CORE_STEP_EVENT);
}

enum core_step core_fail(struct core *core, struct core_event *ev,
    enum sn_err err, bool comes, const char *format, ...)
{
	va_list ap;

	ev->err = err;
	ev->code[0] = '\0';
	va_start(ap, format);
	(void)vsnprintf(ev->why.text, sizeof(ev->why.text), format, ap);
	va_end(ap);
	return (core_lost(core, ev, comes));
}

enum core_step core_broken(
    struct core *core, struct core_event *ev, const struct sn_frame *frame)
{
	return (core_fail(core, ev, SN_EPROTO, false,
	    "%s sent a frame %s that this client does not understand; is one "
	    "of the two much older than the other?",
	    core->config.host, sn_frame_name(frame->type)));
}

/* Whether the state's time is over; what follows from it. */
static enum core_step late(struct core *core, struct core_event *ev)
{
	switch (core->state) {
	case CORE_AWAY:
		return (core_dial(core, ev));
	case CORE_DIALLING:
		return (core_dial_step(core, ev));
	case CORE_PAUSED:
		return (core_login_prove(core, ev));
	case CORE_LEAVING:
		return (core_lost(core, ev, false));
	default:
		return (core_fail(core, ev, SN_ETIMEOUT, true,
		    "%s port %s does not answer; is it a SicherNetz server?",
		    core->config.host, core->config.port));
	}
}

static enum core_step silent(struct core *core, struct core_event *ev)
{
	uint64_t now = sn_clock_mono();

	if (core->state != CORE_OPEN || now < core->heard + CORE_ASK_NS)
		return (CORE_STEP_WAIT);
	if (now >= core->heard + CORE_SILENCE_NS)
		return (core_fail(core, ev, SN_ETIMEOUT, true,
		    "%s has not answered for %d seconds", core->config.host,
		    (int)(CORE_SILENCE_NS / SN_NS_PER_S)));
	if (!core->pinged) {
		core->pinged = true;
		CORE_PUT(core, ping, .nonce = now);
		return (CORE_STEP_ON);
	}
	return (CORE_STEP_WAIT);
}

static enum core_step talk(struct core *core, struct core_event *ev)
{
	struct sn_frame frame = { 0 };
	enum core_step step;

	if (core->state == CORE_OPEN)
		core_send_flush(core);
	if ((step = core_wire_flush(core, ev)) != CORE_STEP_ON)
		return (step);
	if ((step = core_wire_frame(core, &frame, ev)) == CORE_STEP_ON) {
		if (core->state == CORE_LEAVING)
			return (CORE_STEP_ON);
		if (core->state == CORE_OPEN)
			return (core_session_frame(core, &frame, ev));
		return (core_login_frame(core, &frame, ev));
	}
	if (step == CORE_STEP_WAIT && core_sync_due(core) <= sn_clock_mono()) {
		core_sync_ack(core);
		return (CORE_STEP_ON);
	}
	return (step == CORE_STEP_WAIT ? silent(core, ev) : step);
}

static enum core_step step_of(struct core *core, struct core_event *ev)
{
	if (core->state == CORE_IDLE || core->state == CORE_ENDED)
		return (CORE_STEP_WAIT);
	if (sn_clock_mono() >= core->deadline)
		return (late(core, ev));
	switch (core->state) {
	case CORE_AWAY:
		return (CORE_STEP_WAIT);
	case CORE_DIALLING:
		return (core_dial_step(core, ev));
	case CORE_SHAKING:
		return (core_wire_shake(core, ev));
	default:
		return (talk(core, ev));
	}
}

bool core_next(struct core *core, struct core_event *ev)
{
	enum core_step step;

	do {
		sn_buf_consume(&core->in, core->taken);
		core->taken = 0;
		memset(ev, 0, sizeof(*ev));
		step = step_of(core, ev);
	} while (step == CORE_STEP_ON || step == CORE_STEP_GONE);
	return (step == CORE_STEP_EVENT);
}

static uint64_t sooner(uint64_t a, uint64_t b)
{
	return (a < b ? a : b);
}

int core_poll(const struct core *core, struct pollfd *pfd)
{
	uint64_t now = sn_clock_mono(), at = core->deadline;
	bool writes =
	    core_wire_full(core) || core->state == CORE_DIALLING ||
	    (core->state == CORE_SHAKING && core->want == SN_TLS_WANT_WRITE);

	pfd->fd = core->fd;
	pfd->events = writes ? POLLIN | POLLOUT : POLLIN;
	pfd->revents = 0;
	if (core->state == CORE_DIALLING)
		pfd->events = POLLOUT;
	if (core->state == CORE_OPEN) {
		at = core->heard +
		     (core->pinged ? CORE_SILENCE_NS : CORE_ASK_NS);
		if (core->send_pause > now)
			at = sooner(at, core->send_pause);
		at = sooner(at, core_sync_due(core));
	}
	if (at == UINT64_MAX)
		return (-1);
	if (at <= now)
		return (0);
	at = (at - now) / SN_NS_PER_MS + 1;
	return (at > INT_MAX ? INT_MAX : (int)at);
}

void core_bye(struct core *core)
{
	if (core->tls == NULL || core->state == CORE_SHAKING) {
		core_wire_drop(core);
		core_enter(core, CORE_LEAVING, 1);
		return;
	}
	core_sync_ack(core);
	if (core->state != CORE_GREETING)
		CORE_PUT(core, bye, .no_more_fields = 0);
	core_enter(core, CORE_LEAVING, CORE_BYE_NS);
}

const struct core_welcome *core_welcome(const struct core *core)
{
	return (&core->welcome);
}
