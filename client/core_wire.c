#include "client/core_internal.h"

#include <stdlib.h>
#include <unistd.h>

#include "lib/clock.h"

#define CHUNK 16384

void core_wire_drop(struct core *core)
{
	sn_tls_free(core->tls);
	core->tls = NULL;
	if (core->fd >= 0)
		(void)close(core->fd);
	core->fd = -1;
	sn_buf_consume(&core->in, core->in.len);
	sn_buf_consume(&core->out, core->out.len);
	core->taken = 0;
	sn_secret_free(&core->secret);
	core->secret_size = core->secret_sent = 0;
	core->secret_begun = core->shut = core->pinged = false;
	core->synced = false;
}

/* Why TLS ended, and whether it may be better next time. */
static enum core_step ended(
    struct core *core, enum sn_tls_result r, struct core_event *ev)
{
	int alert = sn_tls_alert(core->tls);
	bool comes;

	if (r == SN_TLS_CLOSED)
		return (core_fail(core, ev, SN_ECLOSED, true,
		    "%s ended the connection", core->config.host));
	ev->err = sn_tls_why(core->tls, core->config.host, &ev->why);
	comes = ev->err == SN_ECLOSED || alert == SN_TLS_ALERT_INTERNAL_ERROR;
	return (core_lost(core, ev, comes));
}

enum core_step core_wire_start(struct core *core, struct core_event *ev)
{
	enum sn_err err = sn_tls_connect(
	    core->config.tls, core->fd, core->config.host, &core->tls);

	if (err == SN_OK)
		return (CORE_STEP_ON);
	return (core_fail(core, ev, err, false,
	    "%s is neither a name nor an address", core->config.host));
}

enum core_step core_wire_shake(struct core *core, struct core_event *ev)
{
	enum core_step step;

	if (core->tls == NULL &&
	    (step = core_wire_start(core, ev)) != CORE_STEP_ON)
		return (step);
	core->want = sn_tls_handshake(core->tls);
	switch (core->want) {
	case SN_TLS_OK:
		core->heard = sn_clock_mono();
		core_login_start(core);
		return (CORE_STEP_ON);
	case SN_TLS_WANT_READ:
	case SN_TLS_WANT_WRITE:
		return (CORE_STEP_WAIT);
	default:
		return (ended(core, core->want, ev));
	}
}

bool core_wire_full(const struct core *core)
{
	return (core->tls != NULL && core->state != CORE_SHAKING &&
		(core->out.len > 0 || core->secret_size > 0 ||
		    (core->state == CORE_LEAVING && !core->shut)));
}

/* Write from ${p}; *${sent} is increased. */
static enum sn_tls_result push(
    struct core *core, const void *p, size_t size, size_t *sent)
{
	size_t n = 0;
	enum sn_tls_result r = sn_tls_write(core->tls, p, size, &n);

	if (r == SN_TLS_OK)
		*sent += n;
	return (r);
}

static enum sn_tls_result push_queue(struct core *core)
{
	enum sn_tls_result r = SN_TLS_OK;

	while (core->out.len > 0 && r == SN_TLS_OK) {
		size_t n = 0;

		r = push(core, sn_buf_head(&core->out), core->out.len, &n);
		sn_buf_consume(&core->out, n);
	}
	return (r);
}

static enum sn_tls_result push_secret(struct core *core)
{
	enum sn_tls_result r = SN_TLS_OK;

	core->secret_begun = true;
	while (core->secret_sent < core->secret_size && r == SN_TLS_OK)
		r = push(core, core->secret.data + core->secret_sent,
		    core->secret_size - core->secret_sent, &core->secret_sent);
	if (r != SN_TLS_OK)
		return (r);
	sn_secret_free(&core->secret);
	core->secret_size = core->secret_sent = 0;
	core->secret_begun = false;
	return (r);
}

enum core_step core_wire_flush(struct core *core, struct core_event *ev)
{
	enum sn_tls_result r = SN_TLS_OK;

	if (core->tls == NULL)
		return (core_lost(core, ev, false));
	/* A record that TLS has begun must be the next one it is given. */
	if (core->secret_begun)
		r = push_secret(core);
	if (r == SN_TLS_OK)
		r = push_queue(core);
	if (r == SN_TLS_OK && core->secret_size > 0)
		r = push_secret(core);
	if (r == SN_TLS_OK && core->state == CORE_LEAVING && !core->shut &&
	    (r = sn_tls_shutdown(core->tls)) == SN_TLS_OK)
		core->shut = true;
	if (r == SN_TLS_OK || r == SN_TLS_WANT_READ || r == SN_TLS_WANT_WRITE)
		return (CORE_STEP_ON);
	return (ended(core, r, ev));
}

static enum core_step fill(struct core *core, struct core_event *ev)
{
	uint8_t *into;
	size_t n = 0;
	enum sn_tls_result r;

	if (sn_buf_reserve(&core->in, CHUNK, &into) != SN_OK)
		return (core_fail(core, ev, SN_ENOMEM, false, "out of memory"));
	r = sn_tls_read(core->tls, into, CHUNK, &n);
	if (r == SN_TLS_OK) {
		sn_buf_commit(&core->in, n);
		core->heard = sn_clock_mono();
		core->pinged = false;
		return (CORE_STEP_ON);
	}
	if (r == SN_TLS_WANT_READ || r == SN_TLS_WANT_WRITE)
		return (CORE_STEP_WAIT);
	return (ended(core, r, ev));
}

enum core_step core_wire_frame(
    struct core *core, struct sn_frame *frame, struct core_event *ev)
{
	enum core_step step;

	for (;;) {
		const void *head =
		    core->in.len > 0 ? sn_buf_head(&core->in) : NULL;
		enum sn_err err =
		    sn_frame_open(head, core->in.len, SN_FRAME_MAX, frame);

		if (err == SN_OK) {
			core->taken = frame->size;
			return (CORE_STEP_ON);
		}
		if (err != SN_EAGAIN)
			return (core_fail(core, ev, SN_EPROTO, false,
			    "%s sent something that is no frame of SicherNetz",
			    core->config.host));
		if ((step = fill(core, ev)) != CORE_STEP_ON)
			return (step);
	}
}

struct sn_wr core_wire_writer(struct core *core, size_t size)
{
	uint8_t *into;

	if (sn_buf_reserve(&core->out, size, &into) != SN_OK)
		return (sn_wr_over(NULL, 0));
	return (sn_wr_over(into, size));
}

void core_wire_put(struct core *core, const struct sn_wr *w)
{
	/* Without memory for a frame the connection is of no use. */
	if (w->bad)
		core->deadline = 0;
	else
		sn_buf_commit(&core->out, w->n);
}

enum sn_err core_wire_secret(struct core *core, size_t size, struct sn_wr *w)
{
	sn_secret_free(&core->secret);
	core->secret_size = core->secret_sent = 0;
	if (sn_secret_new(size, &core->secret) != SN_OK)
		return (SN_ENOMEM);
	*w = sn_wr_over(core->secret.data, size);
	return (SN_OK);
}

void core_wire_put_secret(struct core *core, const struct sn_wr *w)
{
	core->secret_size = w->bad ? 0 : w->n;
}
