#include "lib/cli_help.h"

#include <string.h>

#include "lib/nearest.h"

#define COLUMN 30
#define WIDTH 79

/* ${text} from column ${at} on, broken at spaces, later lines indented. */
static void wrapped(FILE *to, size_t at, size_t indent, const char *text)
{
	if (at >= indent) {
		fputc('\n', to);
		at = 0;
	}
	fprintf(to, "%*s", (int)(indent - at), "");
	at = indent;
	while (*text != '\0') {
		size_t n = strcspn(text, " ");

		if (at + n > WIDTH && at > indent) {
			fprintf(to, "\n%*s", (int)indent, "");
			at = indent;
		}
		fprintf(to, "%.*s", (int)n, text);
		at += n;
		text += n;
		if (*text == ' ') {
			text++;
			if (at + 1 + strcspn(text, " ") <= WIDTH) {
				fputc(' ', to);
				at++;
			} else {
				fprintf(to, "\n%*s", (int)indent, "");
				at = indent;
			}
		}
	}
	fputc('\n', to);
}

static void option_line(const struct sn_cli_option *o, FILE *to)
{
	char left[128];

	if (o->letter != 0)
		(void)snprintf(left, sizeof(left), "  -%c, --%s%s%s", o->letter,
		    o->name, o->metavar ? " " : "",
		    o->metavar ? o->metavar : "");
	else
		(void)snprintf(left, sizeof(left), "      --%s%s%s", o->name,
		    o->metavar ? " " : "", o->metavar ? o->metavar : "");
	fputs(left, to);
	wrapped(to, strlen(left), COLUMN, o->help);
}

static void option_lines(const struct sn_cli_option *table, FILE *to)
{
	for (; table != NULL && table->name != NULL; table++)
		option_line(table, to);
}

static void standard_options(const struct sn_cli_program *p, FILE *to)
{
	static const struct sn_cli_option help = { "help", 'h', NULL,
		"show this help" };
	static const struct sn_cli_option version = { "version", 0, NULL,
		"show the version" };

	option_lines(p->options, to);
	option_line(&help, to);
	if (p->version != NULL)
		option_line(&version, to);
}

const char *sn_cli_help_synopsis(const struct sn_cli_command *c)
{
	return (c->synopsis == NULL ? "" : c->synopsis);
}

static void command_line(const struct sn_cli_command *c, FILE *to)
{
	size_t n = strlen(c->name) + 2;

	fprintf(to, "  %s", c->name);
	wrapped(to, n, 20, c->help);
}

void sn_cli_help_program(const struct sn_cli_program *p, FILE *to)
{
	if (p->commands[0].name[0] == '\0') {
		sn_cli_help_command(p, p->commands, to);
		return;
	}
	fprintf(to, "%s: %s\n\nusage: %s [OPTIONS] COMMAND [ARGUMENTS]\n",
	    p->name, p->summary, p->name);
	fprintf(to, "\ncommands (%s COMMAND --help tells more):\n", p->name);
	for (const struct sn_cli_command *c = p->commands; c->name; c++)
		command_line(c, to);
	fprintf(to, "\noptions of every command:\n");
	standard_options(p, to);
	if (p->epilogue != NULL)
		fprintf(to, "\n%s", p->epilogue);
}

void sn_cli_help_command(
    const struct sn_cli_program *p, const struct sn_cli_command *c, FILE *to)
{
	const char *synopsis = sn_cli_help_synopsis(c);

	fprintf(to, "%s%s%s: %s\n\n", p->name, *c->name ? " " : "", c->name,
	    c->help);
	fprintf(to, "usage: %s%s%s%s%s [OPTIONS]\n\noptions:\n", p->name,
	    *c->name ? " " : "", c->name, *synopsis ? " " : "", synopsis);
	option_lines(c->options, to);
	standard_options(p, to);
	if (c->example != NULL)
		fprintf(to, "\nexample:\n%s", c->example);
	if (*c->name == '\0' && p->epilogue != NULL)
		fprintf(to, "\n%s", p->epilogue);
}

/* The length of ${word} when ${name} is "word something", else 0. */
static size_t in_group(const char *name, const char *word)
{
	size_t n = strlen(word);

	return (strncmp(name, word, n) == 0 && name[n] == ' ' ? n : 0);
}

bool sn_cli_help_is_group(const struct sn_cli_program *p, const char *word)
{
	for (const struct sn_cli_command *c = p->commands; c->name; c++)
		if (in_group(c->name, word) > 0)
			return (true);
	return (false);
}

void sn_cli_help_group(
    const struct sn_cli_program *p, const char *word, FILE *to)
{
	for (const struct sn_cli_command *c = p->commands; c->name; c++)
		if (in_group(c->name, word) > 0)
			command_line(c, to);
}

const struct sn_cli_command *sn_cli_help_nearest(
    const struct sn_cli_program *p, const char *words)
{
	const struct sn_cli_command *best = NULL;
	size_t best_distance = sn_nearest_limit(words);

	for (const struct sn_cli_command *c = p->commands; c->name; c++) {
		size_t d = sn_nearest_distance(words, c->name);

		if (d < best_distance) {
			best = c;
			best_distance = d;
		}
	}
	return (best);
}
