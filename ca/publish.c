#include "ca/publish.h"

#include "ca/crl.h"
#include "ca/notify.h"
#include "lib/clock.h"

static void tell_server(struct cmd *cmd, const struct issuer *i)
{
	const char *control = sn_cli_value(cmd->cli, "control");
	unsigned long long number = i->crl_number;
	struct notice notice;
	struct sn_why why;

	if (control == NULL)
		control = policy_control(cmd->policy);
	if (control == NULL) {
		cmd_set(cmd, "confirmed", json_false());
		cmd_say(cmd,
		    "CRL %llu published. Next: copy %s/crl.pem to the server "
		    "if it is elsewhere, then sicherctl reload there (with "
		    "--control SOCKET, or control in sicher-ca.conf, this is "
		    "done here).",
		    number, cmd->dir);
		return;
	}
	if (notify_server(control, &notice, &why) == SN_OK) {
		cmd_set(cmd, "confirmed", json_true());
		cmd_set(cmd, "closed", json_integer(notice.closed));
		cmd_say(cmd, "CRL %llu in force, %lld session%s closed.",
		    number, notice.closed, notice.closed == 1 ? "" : "s");
		return;
	}
	cmd->status = STATUS_ATTENTION;
	cmd_set(cmd, "confirmed", json_false());
	cmd_set(cmd, "unconfirmed", json_string(why.text));
	cmd_say(cmd,
	    "CRL %llu published, unconfirmed: %s. Next: sicherctl reload on "
	    "the server.",
	    number, why.text);
}

enum sn_err publish_and_tell(
    struct cmd *cmd, uint32_t id, const struct key *key, struct issuer *out)
{
	char next[SN_CLOCK_TEXT];
	enum sn_err err;

	if ((err = crl_sign(cmd->a, id, key, out, &cmd->why)) != SN_OK ||
	    (err = crl_publish(cmd->a, &cmd->why)) != SN_OK)
		return (err);
	cmd_set(cmd, "crl", json_integer((json_int_t)out->crl_number));
	cmd_set(cmd, "crl_next_update",
	    json_string(sn_clock_rfc3339(out->crl_next, next)));
	tell_server(cmd, out);
	return (SN_OK);
}
