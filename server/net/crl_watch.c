#include "server/net/crl_watch.h"

#include <stdio.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/log.h"
#include "server/base/settings.h"
#include "server/gate/gate.h"
#include "server/net/net_impl.h"

static const char *const words[] = { "ok", "soon", "last", "grace", "expired" };

static enum crl_phase phase_of(
    const struct settings *set, const struct sn_crl_info *list, int64_t now)
{
	int64_t left = list->next_update - now;
	int64_t alarm = (int64_t)(set->tls.crl_alarm / SN_MS_PER_S);
	int64_t grace = (int64_t)(set->tls.crl_grace / SN_MS_PER_S);

	/* As the gate has it: the last second still counts. */
	if (left < -grace)
		return (CRL_EXPIRED);
	if (left < 0)
		return (CRL_GRACE);
	if (left > alarm)
		return (CRL_FRESH);
	return (left > alarm / 4 ? CRL_SOON : CRL_LAST);
}

static enum crl_phase worst_of(const struct net *net, int64_t now)
{
	const struct sn_crl_info *list;
	enum crl_phase phase, worst = CRL_FRESH;

	for (size_t i = 0; (list = gate_crl_at(net->gate, i)) != NULL; i++) {
		phase = phase_of(net->settings, list, now);
		if (phase > worst)
			worst = phase;
	}
	return (worst);
}

static void tell(const struct sn_crl_info *list, enum crl_phase phase,
    int64_t now, int64_t grace)
{
	static const char *const what[] = {
		[CRL_SOON] = "publish a new list",
		[CRL_LAST] = "publish a new list; past its end nobody new is "
			     "let in",
		[CRL_GRACE] = "it has ended and is believed for a grace; "
			      "publish a new list",
		[CRL_EXPIRED] = "it has ended and nobody new is let in; "
				"publish a new list",
	};
	char name[SN_CERT_NAME + 64], until[SN_CLOCK_TEXT];
	char last[SN_CLOCK_TEXT];

	sn_log(phase == CRL_SOON ? SN_WARN : SN_ALARM, "crl.ends",
	    "state=%s issuer=%s number=%llu until=%s left_s=%lld "
	    "shuts=%s what=\"%s\"",
	    words[phase],
	    sn_log_quote(name, sizeof(name), list->name, strlen(list->name)),
	    (unsigned long long)list->number,
	    sn_clock_rfc3339(list->next_update, until),
	    (long long)(list->next_update - now),
	    sn_clock_rfc3339(list->next_update + grace, last), what[phase]);
}

void crl_watch_look(struct net *net)
{
	const struct settings *set = net->settings;
	int64_t wall = sn_clock_wall_s();
	uint64_t now = sn_clock_mono();
	struct crl_watch *w = &net->crl_watch;
	enum crl_phase phase = worst_of(net, wall), one;
	const struct sn_crl_info *list;

	if (phase == w->phase &&
	    now - w->told < set->tls.crl_alarm_every * SN_NS_PER_MS)
		return;
	if (phase == CRL_FRESH && w->phase != CRL_FRESH)
		sn_log(SN_NOTICE, "crl.fresh", "number=%llu",
		    (unsigned long long)gate_crl_number(net->gate));
	w->phase = phase;
	w->told = now;
	for (size_t i = 0; (list = gate_crl_at(net->gate, i)) != NULL; i++) {
		one = phase_of(set, list, wall);
		if (one != CRL_FRESH)
			tell(list, one, wall,
			    (int64_t)(set->tls.crl_grace / SN_MS_PER_S));
	}
}

static json_t *describe(
    const struct net *net, const struct sn_crl_info *list, int64_t now)
{
	char until[SN_CLOCK_TEXT];

	return (json_pack("{s:s, s:I, s:I, s:s, s:I, s:s}", "issuer",
	    list->name, "number", (json_int_t)list->number, "revoked",
	    (json_int_t)list->revoked, "next_update",
	    sn_clock_rfc3339(list->next_update, until), "left",
	    (json_int_t)(list->next_update - now), "state",
	    words[phase_of(net->settings, list, now)]));
}

void crl_watch_status(const struct net *net, json_t *reply)
{
	int64_t now = sn_clock_wall_s();
	json_t *lists = json_array();
	const struct sn_crl_info *list;

	for (size_t i = 0; (list = gate_crl_at(net->gate, i)) != NULL; i++)
		(void)json_array_append_new(lists, describe(net, list, now));
	(void)json_object_set_new(
	    reply, "crl_state", json_string(words[worst_of(net, now)]));
	(void)json_object_set_new(
	    reply, "crl_left", json_integer(gate_crl_until(net->gate) - now));
	(void)json_object_set_new(reply, "crl_lists", lists);
}
