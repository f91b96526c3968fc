#include "ca/cmd_device.h"

static enum sn_err make(struct cmd *cmd, struct leaf *leaf)
{
	enum sn_err err;

	if ((err = cmd_device_make(cmd, leaf)) != SN_OK)
		return (err);
	cmd_say(cmd,
	    "Next: on the server, sicherctl account add %s. To undo: "
	    "sicher-ca revoke %s --device %s%s",
	    leaf->name, leaf->name, leaf->label, cmd->where);
	issue_free(&leaf->issued);
	return (SN_OK);
}

static enum sn_err body(struct cmd *cmd)
{
	struct leaf leaf;
	enum sn_err err;

	if (sn_cli_has(cmd->cli, "batch"))
		return (cmd_batch(cmd));
	if (sn_cli_arg(cmd->cli, 0) == NULL)
		return (sn_why(&cmd->why, SN_EINVAL,
		    "whose certificate? sicher-ca issue ACCOUNT, or --batch "
		    "FILE for many"));
	if ((err = cmd_device_take(cmd, &leaf)) != SN_OK ||
	    (err = cmd_days(cmd, &leaf.days)) != SN_OK ||
	    (err = cmd_open(cmd, false)) != SN_OK ||
	    (err = cmd_device_profile(cmd, &leaf, NULL)) != SN_OK)
		return (err);
	err = make(cmd, &leaf);
	return (err);
}

int cmd_issue(struct sn_cli *cli)
{
	return (cmd_run(cli, body));
}
