#include "server/net/admin.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/log.h"

static const struct {
	const char *cmd;
	json_t *(*handler)(
	    struct net *net, const json_t *request, int *fds, unsigned count);
	unsigned fds; /* Most descriptors that may come with it. */
} rows[] = {
	{ "channels", admin_channels, 2 * NET_LOOPS_MAX },
	{ "reload", admin_reload, 4 },
	{ "drain", admin_drain, 0 },
	{ "status", admin_status, 0 },
	{ "sessions", admin_sessions, 0 },
	{ "kick", admin_kick, 0 },
	{ "account.reserve", admin_account_reserve, 0 },
	{ "account.add", admin_account_add, 0 },
	{ "account.list", admin_account_list, 0 },
	{ "account.ids", admin_account_ids, 0 },
	{ "account.show", admin_account_show, 0 },
	{ "account.disable", admin_account_disable, 0 },
	{ "account.enable", admin_account_enable, 0 },
	{ "account.delete", admin_account_delete, 0 },
	{ "device.list", admin_device_list, 0 },
	{ "device.revoke", admin_device_revoke, 0 },
	{ "explain", admin_explain, 0 },
	{ "ca.progress", admin_ca_progress, 0 },
	{ "map.add", admin_map_add, 0 },
	{ "map.list", admin_map_list, 0 },
	{ "map.remove", admin_map_remove, 0 },
	{ "map.check", admin_map_check, 0 },
	{ "store", admin_store, 0 },
	{ "backup", admin_backup, 1 },
	{ "backup.status", admin_backup_status, 0 },
	{ "export", admin_export, 0 },
	{ "store.limit", admin_store_limit, 0 },
	{ "store.clock", admin_store_clock, 0 },
};

json_t *admin_failed(const char *code, const char *format, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	return (json_pack(
	    "{s:b, s:s, s:s}", "ok", 0, "error", code, "message", text));
}

const char *admin_text(const json_t *request, const char *name)
{
	const char *text = json_string_value(json_object_get(request, name));

	return (text == NULL ? "" : text);
}

json_t *admin_handle(
    struct net *net, const json_t *request, int *fds, unsigned count)
{
	const char *cmd = admin_text(request, "cmd");
	json_t *reply = NULL;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		if (strcmp(cmd, rows[i].cmd) != 0)
			continue;
		if (count <= rows[i].fds)
			reply = rows[i].handler(net, request, fds, count);
		else
			reply = admin_failed(
			    "usage", "too many descriptors for %s", cmd);
		break;
	}
	/* A handler that keeps a descriptor puts -1 in its place. */
	for (unsigned i = 0; i < count; i++) {
		if (fds[i] >= 0)
			(void)close(fds[i]);
	}
	if (reply == NULL)
		reply =
		    admin_failed("usage", "there is no command \"%.40s\"", cmd);
	return (reply);
}

void admin_settle(struct net *net)
{
	/* A disk that takes longer keeps no administrator waiting. */
	oplog_settle(net->log, 500);
}

bool admin_find(struct net *net, const json_t *request, struct account *account,
    json_t **failure)
{
	const char *name = admin_text(request, "account");
	struct sn_txn *txn;
	enum sn_err err;

	if ((err = sn_txn_read(net->store, &txn)) == SN_OK) {
		err = account_find(txn, sn_bytes_of(name), account);
		sn_txn_abort(txn);
	}
	if (err == SN_OK)
		return (true);
	if (err == SN_ENOTFOUND || err == SN_EINVAL)
		*failure = admin_failed("not-found",
		    "there is no account \"%.64s\"; sicherctl account list "
		    "shows them",
		    name);
	else
		*failure = admin_failed(
		    "internal", "cannot read accounts: %s", sn_err_text(err));
	return (false);
}

bool admin_apply(struct net *net, const struct op *op, json_t **failure)
{
	struct applied applied;
	enum sn_err err = oplog_submit_wait(net->log, op, &applied);

	switch (err) {
	case SN_OK:
		return (true);
	case SN_EEXISTS:
		*failure = admin_failed("exists", "that exists already");
		break;
	case SN_ENOTFOUND:
		*failure = admin_failed("not-found", "that does not exist");
		break;
	case SN_ESTOREFULL:
	case SN_ESTORE:
		*failure = admin_failed("full",
		    "the change could not be stored (%s); nothing was "
		    "changed",
		    sn_err_text(err));
		break;
	default:
		*failure = admin_failed(
		    "internal", "the change failed: %s", sn_err_text(err));
		break;
	}
	return (false);
}
