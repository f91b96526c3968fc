#include "server/parent/command.h"

#include <string.h>

#include "lib/bytes.h"
#include "lib/clock.h"
#include "lib/secret.h"
#include "server/parent/backup.h"
#include "server/parent/reload.h"

#define SECRET_BYTES 16

static const char *text_of(const json_t *request, const char *name)
{
	const char *text = json_string_value(json_object_get(request, name));

	return (text == NULL ? "" : text);
}

/* As it came: net answers it alone. */
static json_t *pass(struct parent *p, json_t *request)
{
	return (child_ask(&p->net, json_deep_copy(request), NULL, 0));
}

static json_int_t id_of(const json_t *reply)
{
	return (json_integer_value(json_object_get(reply, "account_id")));
}

/* {"secret"|"password"} for the keeper; *${secret} is set when we made one
 * (33 bytes). */
static json_t *credential(
    const json_t *request, const char *cmd, json_int_t id, char *secret)
{
	const char *password = text_of(request, "password");
	uint8_t random[SECRET_BYTES];

	if (password[0] != '\0')
		return (json_pack("{s:s, s:I, s:s}", "cmd", cmd, "account_id",
		    id, "password", password));
	sn_secret_random(random, sizeof(random));
	(void)sn_bytes_hex(random, sizeof(random), secret);
	sn_secret_wipe(random, sizeof(random));
	return (json_pack(
	    "{s:s, s:I, s:s}", "cmd", cmd, "account_id", id, "secret", secret));
}

/* The keeper first: an account that exists can always be logged in to. */
static json_t *account_add(struct parent *p, json_t *request)
{
	char secret[2 * SECRET_BYTES + 1] = "";
	json_t *reply, *add;
	json_int_t id;

	reply = child_ask(&p->net,
	    json_pack("{s:s, s:s}", "cmd", "account.reserve", "account",
		text_of(request, "account")),
	    NULL, 0);
	if (!child_ok(reply))
		return (reply);
	id = id_of(reply);
	json_decref(reply);

	reply = child_ask(
	    &p->keeper, credential(request, "create", id, secret), NULL, 0);
	if (!child_ok(reply))
		return (reply);
	json_decref(reply);

	add = json_pack("{s:s, s:s, s:s, s:s, s:I}", "cmd", "account.add",
	    "account", text_of(request, "account"), "display",
	    text_of(request, "display"), "role", text_of(request, "role"),
	    "account_id", id);
	reply = child_ask(&p->net, add, NULL, 0);
	if (!child_ok(reply))
		json_decref(child_ask_id(&p->keeper, "remove", id));
	else if (secret[0] != '\0')
		(void)json_object_set_new(reply, "secret", json_string(secret));
	sn_secret_wipe(secret, sizeof(secret));
	return (reply);
}

/* The account's id by its name; *${failure} is the answer when not. */
static bool find(
    struct parent *p, json_t *request, json_int_t *id, json_t **failure)
{
	json_t *reply = child_ask(&p->net,
	    json_pack("{s:s, s:s}", "cmd", "account.show", "account",
		text_of(request, "account")),
	    NULL, 0);

	if (!child_ok(reply)) {
		*failure = reply;
		return (false);
	}
	*id = id_of(reply);
	json_decref(reply);
	return (true);
}

/*
 * What ends sessions: the epoch is raised first, durably, so that no token
 * leads back in; then net closes them.
 */
static json_t *epoch_then_net(struct parent *p, json_t *request)
{
	json_t *reply;
	json_int_t id;

	if (!find(p, request, &id, &reply))
		return (reply);
	reply = child_ask_id(&p->keeper, "epoch", id);
	/* One that the keeper has lost has no token that is good. */
	if (!child_ok(reply) &&
	    strcmp(text_of(reply, "error"), "not-found") != 0)
		return (reply);
	json_decref(reply);
	return (pass(p, request));
}

static json_t *account_delete(struct parent *p, json_t *request)
{
	json_t *reply = epoch_then_net(p, request);

	if (child_ok(reply))
		json_decref(child_ask_id(&p->keeper, "remove", id_of(reply)));
	return (reply);
}

static json_t *account_passwd(struct parent *p, json_t *request)
{
	char secret[2 * SECRET_BYTES + 1] = "";
	json_t *reply;
	json_int_t id;

	if (!find(p, request, &id, &reply))
		return (reply);
	reply = child_ask(
	    &p->keeper, credential(request, "reset", id, secret), NULL, 0);
	if (!child_ok(reply))
		return (reply);
	json_decref(reply);
	reply = child_ask(&p->net,
	    json_pack("{s:s, s:s, s:s}", "cmd", "kick", "account",
		text_of(request, "account"), "code", "password-reset"),
	    NULL, 0);
	if (child_ok(reply) && secret[0] != '\0')
		(void)json_object_set_new(reply, "secret", json_string(secret));
	sn_secret_wipe(secret, sizeof(secret));
	return (reply);
}

/* Failures are forgotten; sessions, tokens and the password stay. */
static json_t *account_unlock(struct parent *p, json_t *request)
{
	json_t *reply;
	json_int_t id;

	if (!find(p, request, &id, &reply))
		return (reply);
	return (child_ask_id(&p->keeper, "unlock", id));
}

/* Its pid and, unless it is just being restarted, its counters. */
static json_t *keeper_status(struct parent *p)
{
	json_t *counts =
	    child_ask(&p->keeper, json_pack("{s:s}", "cmd", "status"), NULL, 0);
	json_t *out = json_pack("{s:i}", "pid", (int)p->keeper.pid);

	if (child_ok(counts)) {
		(void)json_object_del(counts, "id");
		(void)json_object_del(counts, "ok");
		(void)json_object_update(out, counts);
	}
	json_decref(counts);
	return (out);
}

/* The one limit that the keeper counts, to those of net. */
static void add_keeper_limit(json_t *reply)
{
	json_t *keeper = json_object_get(reply, "keeper");

	(void)json_object_set(json_object_get(reply, "limits_reached"),
	    "limits.sign_rate",
	    json_object_get(keeper, "signatures_over_rate"));
}

static json_t *status(struct parent *p, json_t *request)
{
	json_t *reply = pass(p, request);
	uint64_t up = (sn_clock_mono() - p->started) / SN_NS_PER_S;

	(void)json_object_set_new(
	    reply, "listening", json_pack("[s]", p->listeners.address));
	(void)json_object_set_new(reply, "keeper", keeper_status(p));
	add_keeper_limit(reply);
	(void)json_object_set_new(
	    reply, "net", json_pack("{s:i}", "pid", (int)p->net.pid));
	(void)json_object_set_new(
	    reply, "restarts", json_integer((json_int_t)p->restarts));
	(void)json_object_set_new(
	    reply, "uptime", json_integer((json_int_t)up));
	(void)json_object_set_new(
	    reply, "reading_only", json_boolean(latch_is_set(&p->latch)));
	return (reply);
}

static json_t *reload(struct parent *p, json_t *request)
{
	(void)request;
	return (reload_run(p));
}

static const struct {
	const char *cmd;
	json_t *(*run)(struct parent *p, json_t *request);
} commands[] = {
	{ "account.add", account_add },
	{ "account.list", pass },
	{ "account.show", pass },
	{ "account.disable", epoch_then_net },
	{ "account.enable", pass },
	{ "account.delete", account_delete },
	{ "account.passwd", account_passwd },
	{ "account.unlock", account_unlock },
	{ "device.list", pass },
	{ "device.revoke", epoch_then_net },
	{ "sessions", pass },
	{ "kick", epoch_then_net },
	{ "status", status },
	{ "reload", reload },
	{ "explain", pass },
	{ "ca.progress", pass },
	{ "map.add", pass },
	{ "map.list", pass },
	{ "map.remove", pass },
	{ "map.check", pass },
	{ "store", pass },
	{ "backup", backup_begin },
	{ "backup.status", backup_status },
	{ "export", pass },
	{ "store.limit", pass },
	{ "store.clock", pass },
};

json_t *command_run(struct parent *parent, json_t *request)
{
	const char *cmd = text_of(request, "cmd");

	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
		if (strcmp(cmd, commands[i].cmd) == 0)
			return (commands[i].run(parent, request));
	}
	return (json_pack("{s:b, s:s, s:s}", "ok", 0, "error", "usage",
	    "message", "there is no such command; see sicherctl(8)"));
}
