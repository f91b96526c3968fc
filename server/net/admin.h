#ifndef SERVER_NET_ADMIN_H
#define SERVER_NET_ADMIN_H

#include <jansson.h>

#include "server/net/net_impl.h"

/**
 * admin_handle(net, request, fds, count):
 * Answer one request of the parent: {"cmd": ..., ...} with the descriptors
 * that came with it, which it takes.  Runs in net's main thread; returns a
 * new object {"ok": true, ...} or {"ok": false, "error": code, "message":
 * sentence}, or NULL without memory.
 */
json_t *admin_handle(
    struct net *net, const json_t *request, int *fds, unsigned count);

/** admin_failed(code, format, ...): such a refusal. */
json_t *admin_failed(const char *code, const char *format, ...) SN_PRINTF(2, 3);

/* The handlers of admin_accounts.c, admin_sessions.c, admin_gate.c,
 * admin_maps.c, admin_store.c, admin_backup.c, admin_export.c. */
#define ADMIN_HANDLER(name) \
	json_t *name(       \
	    struct net *net, const json_t *request, int *fds, unsigned count)
ADMIN_HANDLER(admin_account_reserve);
ADMIN_HANDLER(admin_account_add);
ADMIN_HANDLER(admin_account_list);
ADMIN_HANDLER(admin_account_ids);
ADMIN_HANDLER(admin_account_show);
ADMIN_HANDLER(admin_account_disable);
ADMIN_HANDLER(admin_account_enable);
ADMIN_HANDLER(admin_account_delete);
ADMIN_HANDLER(admin_device_list);
ADMIN_HANDLER(admin_device_revoke);
ADMIN_HANDLER(admin_sessions);
ADMIN_HANDLER(admin_kick);
ADMIN_HANDLER(admin_status);
ADMIN_HANDLER(admin_explain);
ADMIN_HANDLER(admin_ca_progress);
ADMIN_HANDLER(admin_map_add);
ADMIN_HANDLER(admin_map_list);
ADMIN_HANDLER(admin_map_remove);
ADMIN_HANDLER(admin_map_check);
ADMIN_HANDLER(admin_reload);
ADMIN_HANDLER(admin_channels);
ADMIN_HANDLER(admin_drain);
ADMIN_HANDLER(admin_backup);
ADMIN_HANDLER(admin_backup_status);
ADMIN_HANDLER(admin_export);
ADMIN_HANDLER(admin_store);
ADMIN_HANDLER(admin_store_limit);
ADMIN_HANDLER(admin_store_clock);

/** admin_backup_end(net): wait for a backup that is being written. */
void admin_backup_end(struct net *net);

/** admin_close(net, account, fingerprint, code, text): end the sessions of
 * an account, or of one device (NULL: all); returns how many. */
unsigned admin_close(struct net *net, uint64_t account,
    const uint8_t *fingerprint, const char *code, const char *text);

/** admin_find(net, request, account, failure): the account that "account"
 * names; false with *${failure} set. */
bool admin_find(struct net *net, const json_t *request, struct account *account,
    json_t **failure);

/** admin_apply(net, op, failure): submit and wait; false with *${failure}. */
bool admin_apply(struct net *net, const struct op *op, json_t **failure);

/** admin_map_start(net): name in the log, before anybody comes, accounts and
 * mappings that cannot be reached or are ambiguous. */
enum sn_err admin_map_start(struct net *net) SN_MUST_USE;

/** admin_settle(net): what anybody was told of is in the tables, if the disk
 * is not too slow for that; for those who read messages. */
void admin_settle(struct net *net);

/** admin_text(request, name): a member's text, or "". */
const char *admin_text(const json_t *request, const char *name);

#endif
