#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "client/cmd.h"
#include "client/profile.h"
#include "lib/secret.h"
#include "lib/version.h"

/* clang-format off */
static const struct sn_cli_option common[] = {
	{ "profile", 'p', "NAME|PATH", "which profile; else $SICHER_PROFILE, "
	    "else default" },
	{ "password-fd", 0, "N", "read the password from descriptor N" },
	{ "new-password-fd", 0, "N", "read the new one from descriptor N, "
	    "where one is chosen" },
	{ "key-passphrase-fd", 0, "N", "read the key's passphrase from "
	    "descriptor N" },
	SN_CLI_END
};

static const struct sn_cli_option send_options[] = {
	{ "id", 0, "HEX", "the message's id, 32 digits; the same id is stored "
	    "once" },
	{ "type", 't', "TYPE", "media type (text/plain)" },
	{ "ttl", 0, "TIME", "remove it after this time, such as 10m or 12h" },
	{ "timeout", 0, "SECONDS", "how long to try (30)" },
	{ "wait", 'w', "WHAT", "until it is stored, delivered, or read" },
	{ "json", 'j', NULL, "answer in JSON, one object" },
	SN_CLI_END
};

static const struct sn_cli_option listen_options[] = {
	{ "json", 'j', NULL, "a JSON object a line" },
	{ "count", 'n', "N", "end after N messages" },
	{ "consumer", 'c', "NAME", "under which name to listen (main)" },
	{ "takeover", 0, NULL, "end the session that listens under it" },
	{ "own", 0, NULL, "what this account sends itself, too" },
	{ "away", 0, NULL, "do not let it look as if somebody were there" },
	SN_CLI_END
};

static const struct sn_cli_option chat_options[] = {
	{ "plain", 0, NULL, "line by line, on a terminal, too" },
	SN_CLI_END
};

static const struct sn_cli_option history_options[] = {
	{ "limit", 'n', "N", "how many (20, at most 200)" },
	{ "before", 0, "SEQ", "the newest before this one" },
	{ "after", 0, "SEQ", "the oldest after this one" },
	{ "since", 0, "TIME", "the oldest from then on: 2h, 3d, a date" },
	{ "until", 0, "TIME", "the newest before then" },
	{ "json", 'j', NULL, "a JSON object a line" },
	SN_CLI_END
};

static const struct sn_cli_option json_options[] = {
	{ "json", 'j', NULL, "answer in JSON, an object a line" },
	SN_CLI_END
};

static const struct sn_cli_option create_options[] = {
	{ "private", 0, NULL, "by invitation only" },
	{ "history", 0, NULL, "members may read what was said before them" },
	SN_CLI_END
};

static const struct sn_cli_option owner_options[] = {
	{ "revoke", 0, NULL, "no owner any more" },
	SN_CLI_END
};

static const struct sn_cli_command commands[] = {
	{ "send", "TO [TEXT|-]", "send a message and wait until it is stored",
	    send_options,
	    "  sicher send bob 'the build is green'\n"
	    "prints the message's number once it is on the server's disk.\n\n"
	    "  df -h | sicher send '#ops' -\n"
	    "sends what comes in.\n", 1, 2, cmd_send },
	{ "listen", NULL, "print messages as they come, each once",
	    listen_options,
	    "  sicher listen --json | while read -r line; do ...; done\n", 0,
	    0, cmd_listen },
	{ "chat", "[TO]", "talk with people and rooms", chat_options,
	    "  sicher chat bob\n"
	    "takes the whole terminal; /help tells the keys and commands.\n\n"
	    "  echo 'the disk is full' | sicher chat '#ops'\n"
	    "from a pipe, or with --plain, each line is a message.\n", 0, 1,
	    cmd_chat },
	{ "history", "WITH", "show a conversation's messages",
	    history_options, "  sicher history bob --limit 5\n", 1, 1,
	    cmd_history },
	{ "receipts", "WITH", "show who has got and read what", json_options,
	    "  sicher receipts bob\n"
	    "bob: read up to 42\n", 1, 1, cmd_receipts },
	{ "presence", "WHO", "show whether somebody, or who in a room, is there",
	    json_options, "  sicher presence '#ops'\n", 1, 1, cmd_presence },
	{ "devices", "[ACCOUNT]", "show the devices of somebody, or yourself",
	    json_options,
	    "  sicher devices bob\n"
	    "prints name, end, serial number and fingerprint of each.\n\n"
	    "  sicher devices\n"
	    "your own: those that may log in as you.\n", 0, 1, cmd_devices },
	{ "signal", "TO [KIND]", "tell those who are there now: you are typing",
	    NULL, "  sicher signal bob typing\n", 1, 2, cmd_signal },
	{ "whoami", NULL, "show who and where you are", json_options,
	    "  sicher whoami\n", 0, 0, cmd_whoami },
	{ "passwd", NULL, "change your password", NULL, "  sicher passwd\n",
	    0, 0, cmd_passwd },
	{ "room create", "ROOM [TOPIC]", "make a room", create_options,
	    "  sicher room create '#ops' 'what runs, and what does not'\n", 1,
	    2, cmd_room_create },
	{ "room join", "ROOM", "go into a room", NULL,
	    "  sicher room join '#ops'\n", 1, 1, cmd_room_join },
	{ "room leave", "ROOM", "leave a room", NULL,
	    "  sicher room leave '#ops'\n", 1, 1, cmd_room_leave },
	{ "room invite", "ROOM ACCOUNT", "let somebody into a room", NULL,
	    "  sicher room invite '#ops' bob\n", 2, 2, cmd_room_invite },
	{ "room remove", "ROOM ACCOUNT", "put somebody out of a room", NULL,
	    "  sicher room remove '#ops' bob\n", 2, 2, cmd_room_remove },
	{ "room list", NULL, "show open rooms and those you are in (*)",
	    json_options, "  sicher room list\n", 0, 0, cmd_room_list },
	{ "room members", "ROOM", "show who is in a room", json_options,
	    "  sicher room members '#ops'\n", 1, 1, cmd_room_members },
	{ "room topic", "ROOM TOPIC", "set a room's topic", NULL,
	    "  sicher room topic '#ops' 'all is well'\n", 2, 2,
	    cmd_room_topic },
	{ "room history", "ROOM open|joined", "what members may read", NULL,
	    "  sicher room history '#ops' open\n"
	    "lets members read what was said before they came in, too.\n", 2,
	    2, cmd_room_history },
	{ "room owner", "ROOM ACCOUNT", "make a member an owner", owner_options,
	    "  sicher room owner '#ops' bob\n", 2, 2, cmd_room_owner },
	{ "room delete", "ROOM", "end a room, with all that was said there",
	    NULL, "  sicher room delete '#ops'\n", 1, 1, cmd_room_delete },
	{ NULL, NULL, NULL, NULL, NULL, 0, 0, NULL },
};
/* clang-format on */

static const struct sn_cli_program program = {
	.name = "sicher",
	.summary = "the client of SicherNetz",
	.version = SN_VERSION,
	.epilogue =
	    "sicher --sample-config prints a profile to begin with.\n"
	    "exit status: 0 ok, 64 usage, 67 no such receiver, 69 server "
	    "unreachable,\n75 try again later, 77 not let in, 78 profile "
	    "wrong; all in sicher(1)\n",
	.options = common,
	.commands = commands,
	.usage_exit = EX_USAGE,
	.output_exit = EX_IOERR,
};

/* A standard descriptor that is closed must not become a connection's. */
static bool hold_descriptors(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDONLY);
	} while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd > STDERR_FILENO)
		(void)close(fd);
	return (fd >= 0);
}

int main(int argc, char **argv)
{
	if (!hold_descriptors())
		return (EX_OSERR);
	(void)umask(077);
	(void)signal(SIGPIPE, SIG_IGN);
	if (sn_secret_process() != SN_OK)
		return (EX_OSERR);
	if (argc == 2 && strcmp(argv[1], "--sample-config") == 0) {
		profile_sample(stdout);
		return (fflush(stdout) == 0 ? EX_OK : EX_IOERR);
	}
	return (sn_cli_run(&program, argc, argv, NULL));
}
