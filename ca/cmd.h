#ifndef CA_CMD_H
#define CA_CMD_H

#include <jansson.h>

#include "ca/authority.h"
#include "ca/key.h"
#include "ca/policy.h"
#include "ca/record.h"
#include "ca/status.h"
#include "lib/cli.h"
#include "lib/secret.h"

/* Characters of a passphrase that keys are encrypted with: whoever finds a
 * backup may try for years. */
#define PASSPHRASE_LEAST 12

/* One command at work: what it was asked, what it tells. */
struct cmd {
	struct sn_cli *cli;
	bool json;
	json_t *result;        /* Printed at the end with --json. */
	bool streamed;         /* "{" and a member are printed already. */
	struct authority *a;   /* Once opened. */
	struct policy *policy; /* Once read. */
	const char *dir;
	char *where; /* " --dir DIR" as it was typed, quoted for a shell, or "":
		      * behind every command that an answer names. */
	struct sn_why why;
	enum status status; /* Of a command that succeeded. */
};

/** cmd_run(cli, body): set up, run ${body}, print what it says or why it
 * failed; returns the exit status. */
int cmd_run(struct sn_cli *cli, enum sn_err (*body)(struct cmd *));

/** cmd_policy(cmd): read the policy: of --config, or of the authority's
 * folder, or where that has none the defaults. */
enum sn_err cmd_policy(struct cmd *cmd) SN_MUST_USE;

/** cmd_open(cmd, read_only): open the authority that is meant; for writing
 * with its policy. */
enum sn_err cmd_open(struct cmd *cmd, bool read_only) SN_MUST_USE;

/** cmd_say(cmd, format, ...): a line for people; silent with --json. */
void cmd_say(const struct cmd *cmd, const char *format, ...) SN_PRINTF(2, 3);

/** cmd_set(cmd, name, value): put a value (taken) into the JSON result. */
void cmd_set(struct cmd *cmd, const char *name, json_t *value);

/** cmd_record(rec, now): a certificate of the books as a JSON object. */
json_t *cmd_record(const struct record *rec, int64_t now);

/** cmd_passphrase(cmd, is_new, out): the authority's. */
enum sn_err cmd_passphrase(
    struct cmd *cmd, bool is_new, struct sn_secret *out) SN_MUST_USE;

/** cmd_key(cmd, out, issuer): ask for the passphrase and load the key of
 * the active issuing CA. */
enum sn_err cmd_key(
    struct cmd *cmd, struct key **out, uint32_t *issuer) SN_MUST_USE;

/** cmd_days(cmd, out): the value of --days, 0 when not given. */
enum sn_err cmd_days(struct cmd *cmd, unsigned *out) SN_MUST_USE;

/** cmd_span(cmd, option, absent, out): an option's days, "30d" or "30", in
 * seconds; ${absent} when it is not given.  SN_EINVAL. */
enum sn_err cmd_span(struct cmd *cmd, const char *option, int64_t absent,
    int64_t *out) SN_MUST_USE;

/** cmd_batch(cmd): `issue --batch`. */
enum sn_err cmd_batch(struct cmd *cmd) SN_MUST_USE;

/** cmd_keyring(cmd, out): ask for the passphrase and make a ring of the CAs'
 * keys; with --root-key it has the root's, under --root-passphrase-*. */
struct keyring;
enum sn_err cmd_keyring(struct cmd *cmd, struct keyring **out) SN_MUST_USE;

/** cmd_with_ring(cmd, work): open the authority, make such a ring, and run
 * ${work} while nobody else signs lists. */
enum sn_err cmd_with_ring(struct cmd *cmd,
    enum sn_err (*work)(struct cmd *, struct keyring *)) SN_MUST_USE;

/** cmd_change(cmd, change, arg): run ${change} in a transaction of the books,
 * at the time that authority_now says, whether the clock is believed or not:
 * for what dates no certificate. */
enum sn_err cmd_change(struct cmd *cmd,
    enum sn_err (*change)(struct sn_txn *txn, int64_t now, void *arg),
    void *arg) SN_MUST_USE;

int cmd_init(struct sn_cli *cli);
int cmd_issuer_create(struct sn_cli *cli);
int cmd_issuer_list(struct sn_cli *cli);
int cmd_issuer_rotate(struct sn_cli *cli);
int cmd_root_show(struct sn_cli *cli);
int cmd_root_export(struct sn_cli *cli);
int cmd_root_offline(struct sn_cli *cli);
int cmd_issue(struct sn_cli *cli);
int cmd_renew(struct sn_cli *cli);
int cmd_expiry(struct sn_cli *cli);
int cmd_server(struct sn_cli *cli);
int cmd_revoke(struct sn_cli *cli);
int cmd_crl_show(struct sn_cli *cli);
int cmd_crl_publish(struct sn_cli *cli);
int cmd_crl_check(struct sn_cli *cli);
int cmd_check(struct sn_cli *cli);
int cmd_backup(struct sn_cli *cli);
int cmd_restore(struct sn_cli *cli);
int cmd_audit(struct sn_cli *cli);
int cmd_audit_verify(struct sn_cli *cli);
int cmd_lint(struct sn_cli *cli);
int cmd_key_passwd(struct sn_cli *cli);
int cmd_list(struct sn_cli *cli);
int cmd_show(struct sn_cli *cli);
int cmd_verify(struct sn_cli *cli);

#endif
