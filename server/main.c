#include <stdio.h>
#include <stdlib.h>

#include "lib/cli.h"
#include "lib/log.h"
#include "server/parent/parent.h"

#define DEFAULT_PATH "/etc/sichernetz/sicherd.conf"
#define EX_CONFIG 78

static const struct sn_cli_option options[] = {
	{ "config", 'c', "FILE", "the configuration (" DEFAULT_PATH ")" },
	{ "test", 't', NULL, "check it and every file it names, then leave" },
	{ "dump-config", 0, NULL, "print every key with the value in force" },
	{ "sample-config", 0, NULL, "print a commented sample" },
	{ NULL, 0, NULL, NULL },
};

static int check(const char *path, bool dump)
{
	struct sn_conf_report *report = calloc(1, sizeof(*report));
	struct sn_why why = { "" };
	struct settings *settings;
	struct material *material;

	if (report == NULL)
		return (EXIT_FAILURE);
	if (parent_check(path, &settings, &material, report) != SN_OK) {
		(void)fputs(report->text, stderr);
		(void)fprintf(stderr, "%s: %u error%s; nothing was changed\n",
		    path, report->errors, report->errors == 1 ? "" : "s");
		free(report);
		return (EX_CONFIG);
	}
	if (!dump && material_check_key(settings, material, &why) != SN_OK) {
		(void)fprintf(stderr, "%s: %s\n", path, why.text);
		settings_free(settings);
		material_free(material);
		free(report);
		return (EX_CONFIG);
	}
	if (dump)
		settings_dump(settings, stdout);
	else
		(void)printf("%s and the files it names are good\n", path);
	settings_free(settings);
	material_free(material);
	free(report);
	return (EXIT_SUCCESS);
}

static int run(struct sn_cli *cli)
{
	const char *path = sn_cli_value(cli, "config");

	if (path == NULL)
		path = DEFAULT_PATH;
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
	    "session with a reason and stops.\n",
	    0, 0, run },
	{ NULL, NULL, NULL, NULL, NULL, 0, 0, NULL },
};

int main(int argc, char **argv)
{
	const struct sn_cli_program program = {
		.name = "sicherd",
		.summary = "serve messages to those the authority vouches for",
		.version = "1.0",
		.commands = commands,
		.usage_exit = 64,
	};

	return (sn_cli_run(&program, argc, argv, NULL));
}
