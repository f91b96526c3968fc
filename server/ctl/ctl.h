#ifndef SERVER_CTL_CTL_H
#define SERVER_CTL_CTL_H

#include <stdbool.h>

#include <jansson.h>

#include "lib/cli.h"

/* Exit statuses; sicherctl(8) promises them. */
enum ctl_status {
	CTL_OK = 0,
	CTL_FAILED = 1,
	CTL_USAGE = 2,
	CTL_NOT_FOUND = 3,
	CTL_REFUSED = 4,
	CTL_UNREACHABLE = 5
};

/**
 * ctl_ask(cli, request, reply):
 * Ask the server that is meant; takes ${request}.  CTL_OK and an answer
 * that says "ok", which the caller releases; or the status to leave with,
 * the failure having been told.
 */
enum ctl_status ctl_ask(
    const struct sn_cli *cli, json_t *request, json_t **reply) SN_MUST_USE;

/**
 * ctl_ask_all(cli, request, list, after, reply):
 * As ctl_ask for a list in pages: all of them, as one answer whose member
 * ${list} holds everything.  ${after} makes what the next request names
 * from a page's last entry (a new reference).
 */
enum ctl_status ctl_ask_all(const struct sn_cli *cli, json_t *request,
    const char *list, json_t *(*after)(const json_t *last),
    json_t **reply) SN_MUST_USE;

/** ctl_json(cli, reply): with --json, print it and return true. */
bool ctl_json(const struct sn_cli *cli, const json_t *reply);

/** ctl_failed(cli, status, format, ...): tell a failure of our own; returns
 * ${status}. */
enum ctl_status ctl_failed(const struct sn_cli *cli, enum ctl_status status,
    const char *format, ...) SN_PRINTF(3, 4);

/** ctl_request(cli, cmd): {"cmd":..., "account": the first argument}; new. */
json_t *ctl_request(const struct sn_cli *cli, const char *cmd);

/** ctl_add_pem(cli, request, path): put the PEM file into ${request}; a
 * failure has been told. */
enum ctl_status ctl_add_pem(
    const struct sn_cli *cli, json_t *request, const char *path) SN_MUST_USE;

/** ctl_number(reply, name): a number of an answer; 0 when there is none. */
long long ctl_number(const json_t *reply, const char *name);

/** ctl_sessions(n): "1 session" or "n sessions"; static storage. */
const char *ctl_sessions(long long n);

int ctl_account_add(struct sn_cli *cli);
int ctl_account_list(struct sn_cli *cli);
int ctl_account_show(struct sn_cli *cli);
int ctl_account_disable(struct sn_cli *cli);
int ctl_account_enable(struct sn_cli *cli);
int ctl_account_delete(struct sn_cli *cli);
int ctl_account_passwd(struct sn_cli *cli);
int ctl_account_unlock(struct sn_cli *cli);
int ctl_device_list(struct sn_cli *cli);
int ctl_device_revoke(struct sn_cli *cli);
int ctl_explain(struct sn_cli *cli);
int ctl_ca_progress(struct sn_cli *cli);
int ctl_map_add(struct sn_cli *cli);
int ctl_map_list(struct sn_cli *cli);
int ctl_map_remove(struct sn_cli *cli);
int ctl_map_check(struct sn_cli *cli);
int ctl_sessions_list(struct sn_cli *cli);
int ctl_kick(struct sn_cli *cli);
int ctl_status(struct sn_cli *cli);
int ctl_reload(struct sn_cli *cli);
int ctl_backup(struct sn_cli *cli);
int ctl_export(struct sn_cli *cli);
int ctl_store(struct sn_cli *cli);
int ctl_store_limit(struct sn_cli *cli);
int ctl_store_clock(struct sn_cli *cli);

#endif
