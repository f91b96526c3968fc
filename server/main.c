#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/cli.h"
#include "lib/log.h"
#include "lib/version.h"
#include "server/parent/check.h"
#include "server/parent/input.h"
#include "server/parent/match.h"
#include "server/parent/parent.h"
#include "server/parent/restore.h"

#define DEFAULT_PATH "/etc/sichernetz/sicherd.conf"
#define EX_CONFIG 78

static const struct sn_cli_option common[] = {
	{ "config", 'c', "FILE", "the configuration (" DEFAULT_PATH ")" },
	SN_CLI_END,
};

static const struct sn_cli_option options[] = {
	{ "test", 't', NULL, "check it and every file it names, then leave" },
	{ "dump-config", 0, NULL, "print every key with the value in force" },
	{ "sample-config", 0, NULL, "print a commented sample" },
	SN_CLI_END,
};

static const struct sn_cli_option restore_options[] = {
	{ "since", 0, "OLD",
	    "the last data folder: what it took away stays away" },
	SN_CLI_END,
};

/* What ends soon does not make it bad, or a reload could not mend it. */
static void tell_good(const char *path, const struct input *input)
{
	unsigned n = input_warn(input, stderr);

	(void)printf("%s and the files it names are good", path);
	if (n > 0)
		(void)printf(", with %u warning%s", n, n == 1 ? "" : "s");
	(void)putchar('\n');
}

static int check(const char *path, bool dump)
{
	struct sn_conf_report *report = calloc(1, sizeof(*report));
	struct sn_why why = { "" };
	struct input input;

	if (report == NULL)
		return (EXIT_FAILURE);
	if (input_read(path, &input, report) != SN_OK) {
		(void)fputs(report->text, stderr);
		(void)fprintf(stderr, "%s: %u error%s; nothing was changed\n",
		    path, report->errors, report->errors == 1 ? "" : "s");
		free(report);
		return (EX_CONFIG);
	}
	if (!dump &&
	    material_check_key(input.settings, input.material, &why) != SN_OK) {
		(void)fprintf(stderr, "%s: %s\n", path, why.text);
		input_free(&input);
		free(report);
		return (EX_CONFIG);
	}
	if (dump)
		settings_dump(input.settings, stdout);
	else
		tell_good(path, &input);
	input_free(&input);
	free(report);
	return (EXIT_SUCCESS);
}

static const char *config_of(const struct sn_cli *cli)
{
	const char *path = sn_cli_value(cli, "config");

	return (path != NULL ? path : DEFAULT_PATH);
}

/* The configuration alone: its files may be on another machine. */
static int read_settings(const struct sn_cli *cli, struct settings **out)
{
	struct sn_conf_report *report = calloc(1, sizeof(*report));
	int status = EXIT_SUCCESS;

	if (report == NULL)
		return (EXIT_FAILURE);
	if (settings_read(config_of(cli), out, report) != SN_OK) {
		(void)fputs(report->text, stderr);
		status = EX_CONFIG;
	}
	free(report);
	return (status);
}

static int run_check(struct sn_cli *cli)
{
	const char *data = sn_cli_arg(cli, 0);
	struct settings *settings = NULL;
	struct sn_why why = { "" };
	uint64_t findings = 0;
	int status = EXIT_SUCCESS;

	if (data == NULL) {
		if ((status = read_settings(cli, &settings)) != EXIT_SUCCESS)
			return (status);
		data = settings->data;
	}
	if (check_data(data, stdout, &findings, &why) != SN_OK ||
	    (findings == 0 &&
		match_data(data, stdout, &findings, &why) != SN_OK)) {
		(void)fprintf(stderr, "sicherd: %s\n", why.text);
		status = EXIT_FAILURE;
	} else if (findings > 0) {
		(void)fprintf(stderr,
		    "sicherd: %" PRIu64 " finding%s; see OPERATIONS.md on "
		    "damage\n",
		    findings, findings == 1 ? "" : "s");
		status = EXIT_FAILURE;
	}
	settings_free(settings);
	return (status);
}

static int run_restore(struct sn_cli *cli)
{
	const char *backup = sn_cli_arg(cli, 0);
	struct settings *settings;
	struct sn_why why = { "" };
	int status = read_settings(cli, &settings);

	if (status != EXIT_SUCCESS)
		return (status);
	sn_log_setup("restore", SN_WARN);
	if (restore_data(backup, settings->data, sn_cli_value(cli, "since"),
		stdout, &why) == SN_OK) {
		(void)printf("%s is restored from %s; start sicherd.\n",
		    settings->data, backup);
	} else {
		(void)fprintf(stderr, "sicherd: %s\n", why.text);
		status = EXIT_FAILURE;
	}
	settings_free(settings);
	return (status);
}

static int run(struct sn_cli *cli)
{
	const char *path = config_of(cli);

	if (sn_cli_has(cli, "sample-config")) {
		settings_sample(stdout);
		return (EXIT_SUCCESS);
	}
	if (sn_cli_has(cli, "test") || sn_cli_has(cli, "dump-config"))
		return (check(path, sn_cli_has(cli, "dump-config")));
	sn_log_setup("parent", SN_INFO);
	return (parent_run(path));
}

static const struct sn_cli_command commands[] = {
	{ "", "", "serve", options,
	    "  sicherd -c sicherd.conf -t\n"
	    "  sicherd -c sicherd.conf\n"
	    "SIGHUP reads configuration and files anew, SIGTERM ends every\n"
	    "session with a reason and stops.\n"
	    "See also: sicherd check --help, sicherd restore --help.\n",
	    0, 0, run },
	{ "check", "[DATA]", "walk the whole database and tell what is wrong",
	    NULL,
	    "  sicherd check\n"
	    "  sicherd check /srv/backup/sichernetz-monday\n"
	    "Beside a running server or without one; nothing is changed.  The "
	    "exit\nstatus is 0 when all is sound and 1 when not.\n",
	    0, 1, run_check },
	{ "restore", "BACKUP", "put a backup back into an empty data folder",
	    restore_options,
	    "  systemctl stop sicherd\n"
	    "  mv /var/lib/sichernetz /var/lib/sichernetz.old\n"
	    "  sicherd restore /srv/backup/sichernetz-monday \\\n"
	    "      --since /var/lib/sichernetz.old\n"
	    "  systemctl start sicherd\n"
	    "With --since, what was taken away since the backup stays away: "
	    "accounts deleted\nor disabled, devices revoked, subjects "
	    "unmapped; and passwords are the latest.\nWithout it everything "
	    "is as it was then.\n",
	    1, 1, run_restore },
	{ NULL, NULL, NULL, NULL, NULL, 0, 0, NULL },
};

int main(int argc, char **argv)
{
	const struct sn_cli_program program = {
		.name = "sicherd",
		.summary = "serve messages to those the authority vouches for",
		.version = SN_VERSION,
		.options = common,
		.commands = commands,
		.usage_exit = 64,
		.output_exit = EXIT_FAILURE,
	};

	return (sn_cli_run(&program, argc, argv, NULL));
}
