#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/ctl.h"
#include "lib/secret.h"
#include "lib/version.h"
#include "server/ctl/ctl.h"

/* clang-format off */
#define PASSWORD							      \
	{ "password-fd", 0, "N", "read a password from descriptor N, instead " \
	    "of making a one-time secret" },				      \
	{ "password-file", 0, "FILE", "read it from a file that nobody else " \
	    "can read" }

static const struct sn_cli_option common[] = {
	{ "socket", 's', "PATH", "the server's control socket; else "
	    "$SICHERD_CONTROL, else " SN_CTL_PATH },
	{ "control", 0, "PATH", "the same, by the name it has elsewhere" },
	{ "json", 'j', NULL, "answer in JSON, one object" },
	SN_CLI_END
};

static const struct sn_cli_option add_options[] = {
	{ "display", 0, "TEXT", "the name that others see" },
	{ "role", 0, "ROLE", "user (the default) or operator" },
	PASSWORD,
	SN_CLI_END
};

static const struct sn_cli_option map_options[] = {
	{ "uri", 0, "URI", "map this URI instead of a whole subject, where "
	    "account.rule is \"san-uri\"" },
	SN_CLI_END
};

static const struct sn_cli_option passwd_options[] = { PASSWORD, SN_CLI_END };

static const struct sn_cli_option limit_options[] = {
	{ "bytes", 0, "SIZE", "what it may store at the most" },
	{ "age", 0, "TIME", "how long a room's messages are kept" },
	{ "none", 0, NULL, "take its own limit away: the configuration's is in "
	    "force" },
	SN_CLI_END
};

static const struct sn_cli_command commands[] = {
	{ "account add", "NAME", "make an account", add_options,
	    "  sicherctl account add alice --display \"Alice Adams\"\n"
	    "prints a one-time secret; with it alice logs in for the first "
	    "time and\nchooses her password.\n",
	    1, 1, ctl_account_add },
	{ "account list", NULL, "list all accounts", NULL,
	    "  sicherctl account list --json | jq -r '.accounts[].account'\n",
	    0, 0, ctl_account_list },
	{ "account show", "NAME", "show one", NULL,
	    "  sicherctl account show alice\n", 1, 1, ctl_account_show },
	{ "account disable", "NAME", "close its sessions and keep it out",
	    NULL,
	    "  sicherctl account disable alice\n"
	    "The account alice is disabled; 2 sessions closed.\n",
	    1, 1, ctl_account_disable },
	{ "account enable", "NAME", "let it in again", NULL,
	    "  sicherctl account enable alice\n", 1, 1, ctl_account_enable },
	{ "account delete", "NAME", "end it for good", NULL,
	    "  sicherctl account delete alice\n"
	    "There is no way back: certificates issued until then open no "
	    "later account\nof that name.\n",
	    1, 1, ctl_account_delete },
	{ "account passwd", "NAME", "reset its password", passwd_options,
	    "  sicherctl account passwd alice\n"
	    "closes her sessions and prints a one-time secret.\n",
	    1, 1, ctl_account_passwd },
	{ "account unlock", "NAME", "forget its wrong passwords", NULL,
	    "  sicherctl account unlock alice\n"
	    "ends the delays of her devices; her password stays.\n",
	    1, 1, ctl_account_unlock },
	{ "device list", "ACCOUNT", "list an account's devices", NULL,
	    "  sicherctl device list alice\n", 1, 1, ctl_device_list },
	{ "device revoke", "ACCOUNT DEVICE", "keep one device out for good",
	    NULL,
	    "  sicherctl device revoke alice laptop\n"
	    "DEVICE is a label, or a fingerprint where two have the same "
	    "label.\n",
	    2, 2, ctl_device_revoke },
	{ "ca progress", "[ISSUER]", "list the devices that still use an old "
	    "issuing CA", NULL,
	    "  sicherctl ca progress\n"
	    "Without ISSUER (its name, or the beginning of its id) those of "
	    "each CA beside\nwhich a later one of the same parent stands.\n",
	    0, 1, ctl_ca_progress },
	{ "map add", "ACCOUNT [CERT.pem]", "lead a certificate's subject to an "
	    "account", map_options,
	    "  sicherctl map add alice partner/alice.pem\n"
	    "Every certificate of exactly this subject opens alice's account "
	    "from now on,\nwith her password.  Without a certificate it is "
	    "the account's own name,\nafter account.rule was changed.\n",
	    1, 2, ctl_map_add },
	{ "map list", "[ACCOUNT]", "list what is mapped by hand", NULL,
	    "  sicherctl map list\n", 0, 1, ctl_map_list },
	{ "map remove", "ACCOUNT KEY", "take a mapping away", NULL,
	    "  sicherctl map remove alice sha256:5f0c...\n"
	    "closes the sessions that came in by it.  KEY is as map list "
	    "shows it.\n",
	    2, 2, ctl_map_remove },
	{ "map check", NULL, "name accounts and mappings that lead nowhere",
	    NULL,
	    "  sicherctl map check\n"
	    "The exit status is 1 when there is one.\n",
	    0, 0, ctl_map_check },
	{ "sessions", NULL, "list who is logged in", NULL,
	    "  sicherctl sessions\n", 0, 0, ctl_sessions_list },
	{ "kick", "ACCOUNT [DEVICE]", "close an account's sessions", NULL,
	    "  sicherctl kick alice phone\n"
	    "1 session of alice closed; to come back it needs its password.\n",
	    1, 2, ctl_kick },
	{ "status", NULL, "show how the server is", NULL,
	    "  sicherctl status\n", 0, 0, ctl_status },
	{ "reload", NULL, "read configuration, certificates and CRL anew",
	    NULL,
	    "  sicherctl reload\n"
	    "All of it is in force, or nothing of it and the reason is "
	    "told.\n",
	    0, 0, ctl_reload },
	{ "backup", "DIR", "write a backup of the running server", NULL,
	    "  sicherctl backup /srv/backup/sichernetz-monday\n"
	    "The folder is made by the server's user, and is whole when the "
	    "command\nends with 0.  Keys, certificates and the configuration "
	    "are not in it.\n",
	    1, 1, ctl_backup },
	{ "export", "ACCOUNT", "write all that is held of an account", NULL,
	    "  sicherctl export alice >alice.jsonl\n"
	    "A JSON object a line: the account, its devices and rooms, what "
	    "it sent and\nwhat was sent to it alone.\n",
	    1, 1, ctl_export },
	{ "store", NULL, "show what uses the database", NULL,
	    "  sicherctl store\n"
	    "The accounts and rooms that use most of it, and its tables.\n",
	    0, 0, ctl_store },
	{ "store limit", "NAME", "limit what an account or room may store",
	    limit_options,
	    "  sicherctl store limit alice --bytes 500MiB\n"
	    "Above it alice cannot send until messages of hers are removed.\n"
	    "  sicherctl store limit '#ops' --age 30d --bytes 1GiB\n"
	    "What is older, or above, is removed from #ops, the oldest "
	    "first.\n",
	    1, 1, ctl_store_limit },
	{ "store accept-clock", NULL, "say that the time is right after it "
	    "leapt", NULL,
	    "  sicherctl store accept-clock\n"
	    "When the time leaps by a day, retention and ttl stop, so that a "
	    "wrong\nclock removes nothing.  First look whether `date` is "
	    "right.\n",
	    0, 0, ctl_store_clock },
	{ "explain", "CERT.pem", "say whether a certificate is let in, and "
	    "why", NULL,
	    "  sicherctl explain authority/people/alice/laptop/cert.pem\n"
	    "The exit status is 0 when it is let in and 4 when not.\n",
	    1, 1, ctl_explain },
	{ NULL, NULL, NULL, NULL, NULL, 0, 0, NULL },
};
/* clang-format on */

static const struct sn_cli_program program = {
	.name = "sicherctl",
	.summary = "control a running sicherd",
	.version = SN_VERSION,
	.epilogue = "exit status: 0 ok, 1 failed, 2 usage, 3 not found, 4 "
		    "refused,\n5 the server does not answer\n",
	.options = common,
	.commands = commands,
	.usage_exit = CTL_USAGE,
	.output_exit = CTL_FAILED,
};

int main(int argc, char **argv)
{
	if (sn_secret_process() != SN_OK)
		return (CTL_FAILED);
	return (sn_cli_run(&program, argc, argv, NULL));
}
