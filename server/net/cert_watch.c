#include "server/net/cert_watch.h"

#include <string.h>

#include "lib/clock.h"
#include "lib/log.h"
#include "server/base/settings.h"
#include "server/net/net_impl.h"

#define DAY_NS (86400 * SN_NS_PER_S)

static const char *const words[] = { "ok", "soon", "last", "expired" };

static void add(struct cert_watch *w, X509 *cert, bool own)
{
	struct cert_end *e = w->all + w->count;

	if (w->count == CERT_WATCH_MOST ||
	    sn_cert_time(X509_get0_notAfter(cert), &e->end) != SN_OK)
		return;
	e->own = own;
	(void)sn_cert_name(X509_get_subject_name(cert), e->name);
	for (size_t i = 0; i < w->count; i++) {
		if (w->all[i].end == e->end &&
		    strcmp(w->all[i].name, e->name) == 0)
			return;
	}
	w->count++;
}

static void add_all(struct cert_watch *w, struct sn_bytes pem, bool first_own)
{
	STACK_OF(X509) * certs;

	if (sn_cert_read(pem, &certs, NULL) != SN_OK)
		return;
	for (int i = 0; i < sk_X509_num(certs); i++)
		add(w, sk_X509_value(certs, i), first_own && i == 0);
	sn_cert_free(certs);
}

void cert_watch_read(
    struct sn_bytes chain, struct sn_bytes authority, struct cert_watch *w)
{
	w->count = 0;
	add_all(w, chain, true);
	add_all(w, authority, false);
}

enum cert_phase cert_watch_phase(
    const struct settings *settings, const struct cert_end *end, int64_t now)
{
	int64_t alarm =
	    (int64_t)(settings->tls.certificate_alarm / SN_MS_PER_S);
	int64_t left = end->end - now;

	if (left < 0)
		return (CERT_EXPIRED);
	if (left > alarm)
		return (CERT_FRESH);
	return (left > alarm / 4 ? CERT_SOON : CERT_LAST);
}

const char *cert_watch_what(const struct cert_end *end, enum cert_phase phase)
{
	if (phase == CERT_FRESH)
		return ("");
	if (!end->own)
		return ("past its end nobody whom it vouches for is let in; "
			"sicher-ca expiry says what to do");
	return (phase == CERT_EXPIRED
		    ? "no client believes this server any more; sicher-ca "
		      "server HOST makes a new certificate"
		    : "past its end no client believes this server; sicher-ca "
		      "server HOST makes a new certificate");
}

static enum cert_phase worst_of(const struct net *net, int64_t now)
{
	const struct cert_watch *w = &net->cert_watch;
	enum cert_phase phase, worst = CERT_FRESH;

	for (size_t i = 0; i < w->count; i++) {
		phase = cert_watch_phase(net->settings, w->all + i, now);
		if (phase > worst)
			worst = phase;
	}
	return (worst);
}

static void tell(const struct cert_end *e, enum cert_phase phase, int64_t now)
{
	char name[SN_CERT_NAME + 64], until[SN_CLOCK_TEXT];

	sn_log(phase == CERT_SOON ? SN_WARN : SN_ALARM, "certificate.ends",
	    "state=%s of=%s subject=%s until=%s left_s=%lld what=\"%s\"",
	    words[phase], e->own ? "server" : "authority",
	    sn_log_quote(name, sizeof(name), e->name, strlen(e->name)),
	    sn_clock_rfc3339(e->end, until), (long long)(e->end - now),
	    cert_watch_what(e, phase));
}

void cert_watch_look(struct net *net)
{
	struct cert_watch *w = &net->cert_watch;
	int64_t wall = sn_clock_wall_s();
	uint64_t now = sn_clock_mono();
	enum cert_phase phase = worst_of(net, wall), one;
	/* Weeks before there is no hurry. */
	uint64_t every =
	    phase == CERT_SOON
		? DAY_NS
		: net->settings->tls.crl_alarm_every * SN_NS_PER_MS;

	if (phase == w->phase && now - w->told < every)
		return;
	if (phase == CERT_FRESH && w->phase != CERT_FRESH)
		sn_log(SN_NOTICE, "certificate.fresh", "count=%zu", w->count);
	w->phase = phase;
	w->told = now;
	for (size_t i = 0; i < w->count; i++) {
		one = cert_watch_phase(net->settings, w->all + i, wall);
		if (one != CERT_FRESH)
			tell(w->all + i, one, wall);
	}
}

void cert_watch_status(const struct net *net, json_t *reply)
{
	const struct cert_watch *w = &net->cert_watch;
	int64_t now = sn_clock_wall_s(), first = INT64_MAX;
	json_t *all = json_array();
	char until[SN_CLOCK_TEXT];

	for (size_t i = 0; i < w->count; i++) {
		const struct cert_end *e = w->all + i;

		first = e->end < first ? e->end : first;
		(void)json_array_append_new(all,
		    json_pack("{s:s, s:s, s:s, s:I, s:s}", "of",
			e->own ? "server" : "authority", "subject", e->name,
			"not_after", sn_clock_rfc3339(e->end, until), "left",
			(json_int_t)(e->end - now), "state",
			words[cert_watch_phase(net->settings, e, now)]));
	}
	(void)json_object_set_new(
	    reply, "certificate_state", json_string(words[worst_of(net, now)]));
	if (w->count > 0)
		(void)json_object_set_new(
		    reply, "certificate_left", json_integer(first - now));
	(void)json_object_set_new(reply, "certificates", all);
}
