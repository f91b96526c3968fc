#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/file.h"
#include "lib/log.h"
#include "server/net/admin.h"
#include "server/net/front.h"
#include "server/net/owner.h"
#include "server/keeper/provider.h"
#include "server/base/settings.h"

#define FILES 4

/* Prepare everything, swap, forget: it cannot half-fail. */
static enum sn_err reload(struct net *net, const struct sn_bytes *files,
    unsigned *closed, struct sn_why *why)
{
	struct sn_tls_context *tls;
	struct settings *settings;
	struct gate *gate;
	enum sn_err err;

	if ((err = settings_of_text(files[0], &settings, why)) != SN_OK)
		return (err);
	if ((err = front_new(net, settings, files[1], files[2], files[3], &gate,
		 &tls, why)) != SN_OK) {
		settings_free(settings);
		return (err);
	}
	*closed = front_swap(net, settings, gate, tls);
	cert_watch_read(files[3], files[1], &net->cert_watch);
	return (SN_OK);
}

json_t *admin_reload(
    struct net *net, const json_t *request, int *fds, unsigned count)
{
	static const char *const names[FILES] = { "the configuration",
		"the authority's certificates", "the CRL",
		"the server's certificate" };
	char *text[FILES] = { NULL };
	struct sn_bytes files[FILES];
	struct sn_why why = { "" };
	enum sn_err err = SN_OK;
	unsigned closed = 0;
	json_t *reply;

	(void)request;
	if (count != FILES)
		return (admin_failed("usage", "reload takes 4 descriptors"));
	for (unsigned i = 0; i < FILES && err == SN_OK; i++) {
		err = sn_file_read_fd(fds[i], names[i], FRONT_FILE_MAX,
		    &text[i], &files[i].n, &why);
		files[i].p = text[i];
	}
	if (err == SN_OK)
		err = reload(net, files, &closed, &why);
	if (err == SN_OK) {
		sn_log(SN_NOTICE, "gate.reloaded", "crl=%llu closed=%u",
		    (unsigned long long)gate_crl_number(net->gate), closed);
		reply = json_pack("{s:b, s:I, s:i}", "ok", 1, "crl",
		    (json_int_t)gate_crl_number(net->gate), "closed",
		    (int)closed);
	} else {
		sn_log(SN_ALARM, "gate.kept",
		    "what=\"the last good one stays in force\" why=\"%s\"",
		    why.text);
		reply = admin_failed("refused", "%s", why.text);
	}
	for (unsigned i = 0; i < FILES; i++)
		free(text[i]);
	return (reply);
}

struct channels {
	const int *sign, *auth;
};

static void channels_in(struct loop *loop, void *arg)
{
	struct channels *c = arg;

	if (loop->sign_fd >= 0)
		(void)close(loop->sign_fd);
	loop->sign_fd = c->sign[loop->index];
	provider_thread_fd(loop->sign_fd);
	if (loop_keeper_fd(loop, c->auth[loop->index]) != SN_OK)
		sn_log(SN_ALARM, "keeper.unreachable", "loop=%u", loop->index);
	loop_listen(loop, !loop->net->draining);
}

json_t *admin_channels(
    struct net *net, const json_t *request, int *fds, unsigned count)
{
	struct channels c = { fds, fds + net->loop_count };

	(void)request;
	if (count != 2 * net->loop_count)
		return (admin_failed("usage",
		    "channels takes two descriptors for each of %u loops",
		    net->loop_count));
	net_each_loop(net, channels_in, &c);
	for (unsigned i = 0; i < count; i++)
		fds[i] = -1;
	return (json_pack("{s:b}", "ok", 1));
}

static void drain_in(struct loop *loop, void *arg)
{
	struct sess *s, *next;

	(void)arg;
	loop_listen(loop, false);
	for (s = loop->all; s != NULL; s = next) {
		next = s->next;
		sess_bye(s, "going-away", "the server stops; come back later");
	}
}

json_t *admin_drain(
    struct net *net, const json_t *request, int *fds, unsigned count)
{
	(void)request;
	(void)fds;
	(void)count;
	net->draining = true;
	net_each_loop(net, drain_in, NULL);
	return (json_pack("{s:b}", "ok", 1));
}

/* What the database says of a certificate that the gate lets in. */
static enum sn_err explain_owner(
    struct net *net, const struct gate_peer *peer, struct owner *owner)
{
	struct sn_txn *txn;
	enum sn_err err;

	if ((err = sn_txn_read(net->store, &txn)) != SN_OK)
		return (err);
	err = owner_find(txn, peer, owner);
	sn_txn_abort(txn);
	return (err);
}

static const char *verdict_of(const struct owner *owner)
{
	if (owner->refusal != NULL)
		return (owner->refusal->remedy);
	if (owner->bound)
		return ("it is let in, with the account's password");
	return ("it would be let in; the password of its first login binds it "
		"to the account");
}

/* The list it was looked up in; where it did not come so far, the newest. */
static void add_list(
    const struct net *net, const struct gate_peer *peer, json_t *reply)
{
	const struct sn_crl_info *list = gate_crl_of(net->gate, peer);
	char until[SN_CLOCK_TEXT];

	if (list == NULL) {
		(void)json_object_set_new(reply, "crl",
		    json_integer((json_int_t)gate_crl_number(net->gate)));
		return;
	}
	(void)json_object_set_new(
	    reply, "crl", json_integer((json_int_t)list->number));
	(void)json_object_set_new(reply, "crl_issuer", json_string(list->name));
	(void)json_object_set_new(reply, "crl_next_update",
	    json_string(sn_clock_rfc3339(list->next_update, until)));
}

json_t *admin_explain(
    struct net *net, const json_t *request, int *fds, unsigned count)
{
	struct sn_bytes pem = sn_bytes_of(admin_text(request, "pem"));
	struct owner owner = { .mapped = false };
	char hex[2 * SN_CERT_FINGERPRINT + 1], until[SN_CLOCK_TEXT];
	struct sn_why why = { "" };
	struct gate_peer peer = { .label = "" };
	const char *verdict = why.text;
	bool admitted = false;
	json_t *reply;
	enum sn_err err;

	(void)fds;
	(void)count;
	err = gate_explain(net->gate, pem, &peer, &why);
	if (err == SN_OK && (err = explain_owner(net, &peer, &owner)) != SN_OK)
		verdict = "the accounts cannot be read; the log says why";
	if (err == SN_OK) {
		verdict = verdict_of(&owner);
		admitted = owner.refusal == NULL;
	}
	(void)sn_bytes_hex(peer.fingerprint, sizeof(peer.fingerprint), hex);
	reply =
	    json_pack("{s:b, s:b, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}",
		"ok", 1, "admitted", admitted, "verdict", verdict, "rule",
		owner.mapped ? "mapping" : sn_subject_rule_word(net->rule),
		"account", owner.account.name, "device", peer.label, "subject",
		peer.subject, "issuer", peer.issuer, "serial", peer.serial,
		"fingerprint", hex, "not_after",
		sn_clock_rfc3339(peer.not_after, until));
	add_list(net, &peer, reply);
	return (reply);
}
