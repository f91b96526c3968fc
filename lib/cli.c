#include "lib/cli.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/cli_help.h"

#define OPTIONS_MAX 64
#define VALUES_MAX 128
#define NAME_BYTES 128

/* One option as it was met on the command line. */
struct met {
	const struct sn_cli_option *option;
	const char *value;
};

struct sn_cli {
	const struct sn_cli_program *program;
	const struct sn_cli_command *command;
	void *context;
	char **args;
	size_t arg_count;
	struct met met[VALUES_MAX];
	size_t met_count;
};

static const struct sn_cli_option help_option = { "help", 'h', NULL,
	"show this help" };
static const struct sn_cli_option version_option = { "version", 0, NULL,
	"show the version" };

/* Every option that may be given, in the form getopt_long wants. */
struct forms {
	const struct sn_cli_option *options[OPTIONS_MAX];
	struct option longs[OPTIONS_MAX + 1];
	char shorts[2 * OPTIONS_MAX + 2];
	size_t count;
};

static void add_form(struct forms *f, const struct sn_cli_option *o)
{
	size_t n = strlen(f->shorts);

	if (f->count == OPTIONS_MAX)
		return;
	f->options[f->count] = o;
	f->longs[f->count] = (struct option){ o->name,
		o->metavar ? required_argument : no_argument, NULL,
		256 + (int)f->count };
	f->count++;
	if (o->letter == 0)
		return;
	f->shorts[n++] = o->letter;
	if (o->metavar != NULL)
		f->shorts[n] = ':';
}

static void add_forms(struct forms *f, const struct sn_cli_option *table)
{
	for (; table != NULL && table->name != NULL; table++)
		add_form(f, table);
}

static const struct sn_cli_option *form_of(const struct forms *f, int c)
{
	if (c >= 256)
		return (f->options[c - 256]);
	for (size_t i = 0; i < f->count; i++)
		if (f->options[i]->letter == c)
			return (f->options[i]);
	return (NULL);
}

/* The program's own option that ${arg} is, as one before the command has to
 * be; NULL: none. */
static const struct sn_cli_option *own_option(
    const struct sn_cli_program *p, const char *arg)
{
	const struct sn_cli_option *o = p->options;
	size_t n = strcspn(arg + 2, "=");

	for (; o != NULL && o->name != NULL; o++) {
		if (arg[1] == '-' && strncmp(arg + 2, o->name, n) == 0 &&
		    o->name[n] == '\0')
			return (o);
		if (o->letter != 0 && arg[1] == o->letter)
			return (o);
	}
	return (NULL);
}

/* Whether the word after ${arg}, an option before the command, is its value. */
static bool takes_next(const struct sn_cli_program *p, const char *arg)
{
	const struct sn_cli_option *o = own_option(p, arg);

	if (o == NULL || o->metavar == NULL)
		return (false);
	return (arg[1] == '-' ? strchr(arg, '=') == NULL : arg[2] == '\0');
}

/* The index of the first word that is no option; argc when there is none. */
static int first_word(const struct sn_cli_program *p, int argc, char **argv)
{
	int i = 1;

	while (i < argc && argv[i][0] == '-' && argv[i][1] != '\0') {
		if (strcmp(argv[i], "--") == 0)
			return (argc);
		i += takes_next(p, argv[i]) ? 2 : 1;
	}
	return (i < argc ? i : argc);
}

static const struct sn_cli_command *named(
    const struct sn_cli_program *p, const char *name)
{
	for (const struct sn_cli_command *c = p->commands; c->name; c++)
		if (strcmp(c->name, name) == 0)
			return (c);
	return (NULL);
}

static void drop(int *argc, char **argv, int at, int n)
{
	memmove(argv + at, argv + at + n,
	    (size_t)(*argc - at - n + 1) * sizeof(*argv));
	*argc -= n;
}

/* Whether the option ${o} stands among the words. */
static bool wants(int argc, char **argv, const struct sn_cli_option *o)
{
	char letter[3] = { '-', o->letter, '\0' };

	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
		if ((strncmp(argv[i], "--", 2) == 0 &&
			strcmp(argv[i] + 2, o->name) == 0) ||
		    (o->letter != 0 && strcmp(argv[i], letter) == 0))
			return (true);
	return (false);
}

/* There is no command at all: say so, or which option is none. */
static int no_word(const struct sn_cli_program *p, int argc, char **argv)
{
	for (int i = 1; i < argc && argv[i][0] == '-'; i++) {
		if (own_option(p, argv[i]) == NULL &&
		    strcmp(argv[i], "--") != 0) {
			fprintf(stderr,
			    "%s: there is no option %s. See %s --help\n",
			    p->name, argv[i], p->name);
			return (p->usage_exit);
		}
		i += takes_next(p, argv[i]) ? 1 : 0;
	}
	fprintf(stderr, "%s: which command? See %s --help\n", p->name, p->name);
	return (p->usage_exit);
}

/* What to say when no command fits the words at ${at}. */
static int no_command(
    const struct sn_cli_program *p, int argc, char **argv, int at)
{
	char words[NAME_BYTES], both[NAME_BYTES];
	const struct sn_cli_command *near;
	bool second = at + 1 < argc && argv[at + 1][0] != '-';

	if (at >= argc) {
		if (wants(argc, argv, &help_option)) {
			sn_cli_help_program(p, stdout);
			return (0);
		}
		return (no_word(p, argc, argv));
	}
	if (sn_cli_help_is_group(p, argv[at]) && !second) {
		if (wants(argc, argv, &help_option)) {
			sn_cli_help_group(p, argv[at], stdout);
			return (0);
		}
		fprintf(stderr, "%s: \"%s\" needs a second word:\n", p->name,
		    argv[at]);
		sn_cli_help_group(p, argv[at], stderr);
		return (p->usage_exit);
	}
	(void)snprintf(words, sizeof(words), "%s%s%s", argv[at],
	    second && sn_cli_help_is_group(p, argv[at]) ? " " : "",
	    second && sn_cli_help_is_group(p, argv[at]) ? argv[at + 1] : "");
	near = sn_cli_help_nearest(p, words);
	if (near == NULL && second) {
		(void)snprintf(
		    both, sizeof(both), "%s %s", argv[at], argv[at + 1]);
		near = sn_cli_help_nearest(p, both);
	}
	fprintf(stderr, "%s: there is no command \"%s\"", p->name, words);
	if (near != NULL)
		fprintf(stderr, "; did you mean \"%s\"?", near->name);
	fprintf(stderr, "%s See %s --help\n", near != NULL ? "" : ".", p->name);
	return (p->usage_exit);
}

/* Finds the command and takes its words out of ${argv}; NULL: none fits. */
static const struct sn_cli_command *take_command(
    const struct sn_cli_program *p, int *argc, char **argv, int at)
{
	const struct sn_cli_command *c;
	char two[NAME_BYTES];

	if (at + 1 < *argc) {
		(void)snprintf(
		    two, sizeof(two), "%s %s", argv[at], argv[at + 1]);
		if ((c = named(p, two)) != NULL) {
			drop(argc, argv, at, 2);
			return (c);
		}
	}
	if (at < *argc && (c = named(p, argv[at])) != NULL) {
		/* "crl pulish" is none of "crl publish" and "crl". */
		if (c->max == 0 && sn_cli_help_is_group(p, argv[at]) &&
		    at + 1 < *argc && argv[at + 1][0] != '-')
			return (NULL);
		drop(argc, argv, at, 1);
		return (c);
	}
	return (NULL);
}

static int bad_option(const struct sn_cli *cli, int c, char **argv)
{
	/* Where the fault is in a group of letters, optopt has the letter. */
	const char *arg = argv[optind > 0 ? optind - 1 : 0];
	char letter[3] = { '-', (char)optopt, '\0' };
	bool is_letter =
	    optopt > 0 && optopt < 256 && strncmp(arg, "--", 2) != 0;

	if (is_letter)
		arg = letter;
	if (c == ':')
		return (sn_cli_usage(cli, "%s needs a value", arg));
	if (optopt >= 256)
		return (sn_cli_usage(cli, "%s takes no value", arg));
	return (sn_cli_usage(cli, "there is no option %s", arg));
}

/* Returns -1 when the command may run, or the exit status. */
static int parse(struct sn_cli *cli, int argc, char **argv)
{
	struct forms f = { .count = 0 };
	const struct sn_cli_option *o;
	int c;

	f.shorts[0] = ':';
	add_forms(&f, cli->command->options);
	add_forms(&f, cli->program->options);
	add_form(&f, &help_option);
	if (cli->program->version != NULL)
		add_form(&f, &version_option);
	optind = 0;
	opterr = 0;
	while ((c = getopt_long(argc, argv, f.shorts, f.longs, NULL)) != -1) {
		if (c == ':' || c == '?' || (o = form_of(&f, c)) == NULL)
			return (bad_option(cli, c, argv));
		if (o == &help_option) {
			sn_cli_help_command(cli->program, cli->command, stdout);
			return (0);
		}
		if (o == &version_option) {
			printf("%s\n", cli->program->version);
			return (0);
		}
		if (cli->met_count == VALUES_MAX)
			return (sn_cli_usage(cli, "too many options"));
		cli->met[cli->met_count++] = (struct met){ o, optarg };
	}
	cli->args = argv + optind;
	cli->arg_count = (size_t)(argc - optind);
	return (-1);
}

static int count_args(const struct sn_cli *cli)
{
	const struct sn_cli_command *c = cli->command;

	if (cli->arg_count < c->min)
		return (sn_cli_usage(cli, "missing argument: %s%s%s %s",
		    cli->program->name, *c->name ? " " : "", c->name,
		    sn_cli_help_synopsis(c)));
	if (cli->arg_count > c->max)
		return (sn_cli_usage(
		    cli, "unexpected argument \"%s\"", cli->args[c->max]));
	return (-1);
}

static int run(
    const struct sn_cli_program *program, int argc, char **argv, void *context)
{
	struct sn_cli cli = { .program = program, .context = context };
	int at = first_word(program, argc, argv), status;

	if (program->version != NULL && at == argc &&
	    wants(argc, argv, &version_option)) {
		printf("%s\n", program->version);
		return (0);
	}
	if (program->commands[0].name[0] == '\0') {
		/* What the program does when no word says otherwise. */
		cli.command = take_command(program, &argc, argv, at);
		if (cli.command == NULL)
			cli.command = program->commands;
	} else if (at < argc && strcmp(argv[at], "help") == 0 &&
		   named(program, "help") == NULL) {
		/* `prog help CMD` for those who are used to it. */
		drop(&argc, argv, at, 1);
		cli.command = take_command(program, &argc, argv, at);
		if (cli.command == NULL)
			sn_cli_help_program(program, stdout);
		else
			sn_cli_help_command(program, cli.command, stdout);
		return (0);
	} else {
		cli.command = take_command(program, &argc, argv, at);
	}
	if (cli.command == NULL)
		return (no_command(program, argc, argv, at));
	if ((status = parse(&cli, argc, argv)) >= 0 ||
	    (status = count_args(&cli)) >= 0)
		return (status);
	return (cli.command->run(&cli));
}

int sn_cli_run(
    const struct sn_cli_program *program, int argc, char **argv, void *context)
{
	int status = run(program, argc, argv, context);

	if ((fflush(stdout) == 0 && !ferror(stdout)) || status != 0)
		return (status);
	fprintf(stderr, "%s: the output could not be written whole\n",
	    program->name);
	return (program->output_exit);
}

void *sn_cli_context(const struct sn_cli *cli)
{
	return (cli->context);
}

const char *sn_cli_nth(const struct sn_cli *cli, const char *option, size_t n)
{
	for (size_t i = 0; i < cli->met_count; i++)
		if (strcmp(cli->met[i].option->name, option) == 0 && n-- == 0)
			return (cli->met[i].value);
	return (NULL);
}

const char *sn_cli_value(const struct sn_cli *cli, const char *option)
{
	for (size_t i = cli->met_count; i > 0; i--)
		if (strcmp(cli->met[i - 1].option->name, option) == 0)
			return (cli->met[i - 1].value);
	return (NULL);
}

bool sn_cli_has(const struct sn_cli *cli, const char *option)
{
	for (size_t i = 0; i < cli->met_count; i++)
		if (strcmp(cli->met[i].option->name, option) == 0)
			return (true);
	return (false);
}

const char *sn_cli_arg(const struct sn_cli *cli, size_t n)
{
	return (n < cli->arg_count ? cli->args[n] : NULL);
}

size_t sn_cli_args(const struct sn_cli *cli)
{
	return (cli->arg_count);
}

int sn_cli_usage(const struct sn_cli *cli, const char *format, ...)
{
	const char *space = *cli->command->name ? " " : "";
	va_list ap;

	fprintf(stderr, "%s: ", cli->program->name);
	va_start(ap, format);
	vfprintf(stderr, format, ap);
	va_end(ap);
	fprintf(stderr, ". See %s%s%s --help\n", cli->program->name, space,
	    cli->command->name);
	return (cli->program->usage_exit);
}
