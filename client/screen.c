#define NCURSES_WIDECHAR 1
#define NCURSES_NOMACROS 1
#include "client/screen.h"

#include <langinfo.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <ncurses.h>
#include <term.h>

/* Keys that ncurses has no name of. */
#define KEY_PASTE (KEY_MAX + 1)
#define KEY_PASTED (KEY_MAX + 2)
#define KEY_WORD_LEFT (KEY_MAX + 3)
#define KEY_WORD_RIGHT (KEY_MAX + 4)
#define KEY_TALK_UP (KEY_MAX + 5)
#define KEY_TALK_DOWN (KEY_MAX + 6)
#define KEY_ALT_ENTER (KEY_MAX + 7)

#define CONTROL(c) ((c)&0x1f)

static struct {
	SCREEN *screen;
	int signals; /* signalfd; -1: not open. */
	sigset_t before;
} term = { NULL, -1, { { 0 } } };

/* What a terminal says for them, and what it is asked for pastes. */
static const struct {
	const char *sequence;
	int key;
} sequences[] = {
	{ "\033[200~", KEY_PASTE },
	{ "\033[201~", KEY_PASTED },
	{ "\033[1;5D", KEY_WORD_LEFT },
	{ "\033[1;5C", KEY_WORD_RIGHT },
	{ "\033b", KEY_WORD_LEFT },
	{ "\033f", KEY_WORD_RIGHT },
	{ "\033[1;3A", KEY_TALK_UP },
	{ "\033[1;3B", KEY_TALK_DOWN },
	{ "\033[1;5A", KEY_TALK_UP },
	{ "\033[1;5B", KEY_TALK_DOWN },
	{ "\033\r", KEY_ALT_ENTER },
	{ "\033\n", KEY_ALT_ENTER },
};

static void say(const char *sequence)
{
	(void)fputs(sequence, stdout);
	(void)fflush(stdout);
}

static void settle(void)
{
	(void)raw();
	(void)noecho();
	(void)nonl();
	(void)keypad(stdscr, TRUE);
	(void)nodelay(stdscr, TRUE);
	(void)set_escdelay(25);
	for (size_t i = 0; i < sizeof(sequences) / sizeof(*sequences); i++)
		(void)define_key(sequences[i].sequence, sequences[i].key);
	say("\033[?2004h");
}

/* Signals come as something to read, so that none is missed. */
static bool take_signals(void)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGWINCH);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGHUP);
	(void)sigaddset(&set, SIGINT);
	if (sigprocmask(SIG_BLOCK, &set, &term.before) != 0)
		return (false);
	term.signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (term.signals < 0)
		(void)sigprocmask(SIG_SETMASK, &term.before, NULL);
	return (term.signals >= 0);
}

/* Widths and characters are those of UTF-8, whatever else the locale says. */
static void set_locale(void)
{
	if (setlocale(LC_CTYPE, "") == NULL ||
	    strcmp(nl_langinfo(CODESET), "UTF-8") != 0)
		(void)setlocale(LC_CTYPE, "C.UTF-8");
}

enum sn_err screen_check(struct sn_why *why)
{
	const char *name = getenv("TERM");
	int answer = 0;

	if (name != NULL && name[0] != '\0' && strcmp(name, "dumb") != 0 &&
	    setupterm(name, STDOUT_FILENO, &answer) == OK)
		return (SN_OK);
	return (sn_why(why, SN_ENOTFOUND,
	    "this system knows no terminal \"%.40s\" ($TERM) that has a screen",
	    name != NULL ? name : ""));
}

enum sn_err screen_open(struct sn_why *why)
{
	set_locale();
	if (!take_signals())
		return (sn_why_errno(why, SN_EIO, "cannot take signals"));
	term.screen = newterm(NULL, stdout, stdin);
	if (term.screen == NULL) {
		screen_close();
		return (sn_why(why, SN_EIO,
		    "the terminal cannot be used as a screen; there is "
		    "--plain"));
	}
	settle();
	return (SN_OK);
}

void screen_close(void)
{
	if (term.screen != NULL) {
		say("\033[?2004l");
		(void)endwin();
		delscreen(term.screen);
		term.screen = NULL;
	}
	if (term.signals >= 0) {
		(void)close(term.signals);
		term.signals = -1;
		(void)sigprocmask(SIG_SETMASK, &term.before, NULL);
	}
}

void screen_pause(void)
{
	say("\033[?2004l");
	(void)endwin();
}

void screen_resume(void)
{
	(void)clearok(stdscr, TRUE);
	(void)refresh();
	settle();
}

void screen_suspend(void)
{
	screen_pause();
	(void)raise(SIGTSTP);
	screen_resume();
}

void screen_size(int *rows, int *cols)
{
	*rows = getmaxy(stdscr);
	*cols = getmaxx(stdscr);
}

static attr_t attributes(unsigned char style)
{
	switch ((enum canvas_style)style) {
	case CANVAS_BOLD:
		return (A_BOLD);
	case CANVAS_DIM:
		return (A_DIM);
	case CANVAS_BAR:
		return (A_REVERSE);
	case CANVAS_CHOSEN:
		return (A_REVERSE | A_BOLD);
	case CANVAS_ALERT:
		return (A_REVERSE | A_BOLD);
	case CANVAS_PLAIN:
	default:
		return (A_NORMAL);
	}
}

static void show_row(const struct canvas *canvas, int row)
{
	for (int col = 0; col < canvas->cols; col++) {
		const struct canvas_cell *cell = canvas_cell(canvas, row, col);
		wchar_t text[CANVAS_STACK + 1];
		cchar_t c;

		if (cell->count == 0)
			continue;
		memcpy(text, cell->c, cell->count * sizeof(*text));
		text[cell->count] = L'\0';
		if (setcchar(&c, text, attributes(cell->style), 0, NULL) == OK)
			(void)mvadd_wch(row, col, &c);
	}
}

void screen_show(const struct canvas *canvas, bool whole)
{
	(void)erase();
	for (int row = 0; row < canvas->rows; row++)
		show_row(canvas, row);
	(void)move(canvas->cursor_row, canvas->cursor_col);
	if (whole)
		(void)clearok(stdscr, TRUE);
	(void)refresh();
}

static enum screen_key of_signal(int number)
{
	struct winsize size;

	if (number != SIGWINCH)
		return (SCREEN_ENDED);
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 &&
	    size.ws_col > 0)
		(void)resizeterm(size.ws_row, size.ws_col);
	return (SCREEN_RESIZED);
}

static enum screen_key of_control(wint_t c)
{
	switch (c) {
	case '\r':
	case '\n':
		return (SCREEN_ENTER);
	case '\t':
		return (SCREEN_TAB);
	case 0x1b:
		return (SCREEN_ESCAPE);
	case 0x7f:
	case '\b':
		return (SCREEN_BACKSPACE);
	case CONTROL('a'):
		return (SCREEN_START);
	case CONTROL('b'):
		return (SCREEN_LEFT);
	case CONTROL('c'):
		return (SCREEN_CTRL_C);
	case CONTROL('d'):
		return (SCREEN_CTRL_D);
	case CONTROL('e'):
		return (SCREEN_END);
	case CONTROL('f'):
		return (SCREEN_RIGHT);
	case CONTROL('k'):
		return (SCREEN_ERASE_END);
	case CONTROL('l'):
		return (SCREEN_REDRAW);
	case CONTROL('n'):
		return (SCREEN_NEXT);
	case CONTROL('p'):
		return (SCREEN_PREVIOUS);
	case CONTROL('u'):
		return (SCREEN_ERASE_START);
	case CONTROL('w'):
		return (SCREEN_ERASE_WORD);
	case CONTROL('z'):
		return (SCREEN_SUSPEND);
	default:
		return (SCREEN_OTHER);
	}
}

static enum screen_key of_key(wint_t key)
{
	static const struct {
		wint_t key;
		enum screen_key means;
	} keys[] = {
		{ KEY_ENTER, SCREEN_ENTER },
		{ KEY_ALT_ENTER, SCREEN_BREAK },
		{ KEY_BACKSPACE, SCREEN_BACKSPACE },
		{ KEY_DC, SCREEN_DELETE },
		{ KEY_LEFT, SCREEN_LEFT },
		{ KEY_RIGHT, SCREEN_RIGHT },
		{ KEY_WORD_LEFT, SCREEN_WORD_LEFT },
		{ KEY_WORD_RIGHT, SCREEN_WORD_RIGHT },
		{ KEY_HOME, SCREEN_START },
		{ KEY_END, SCREEN_END },
		{ KEY_UP, SCREEN_UP },
		{ KEY_DOWN, SCREEN_DOWN },
		{ KEY_PPAGE, SCREEN_PAGE_UP },
		{ KEY_NPAGE, SCREEN_PAGE_DOWN },
		{ KEY_TALK_UP, SCREEN_PREVIOUS },
		{ KEY_TALK_DOWN, SCREEN_NEXT },
		{ KEY_F(1), SCREEN_HELP },
		{ KEY_PASTE, SCREEN_PASTE },
		{ KEY_PASTED, SCREEN_PASTED },
		{ KEY_RESIZE, SCREEN_RESIZED },
	};

	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		if (keys[i].key == key)
			return (keys[i].means);
	}
	return (SCREEN_OTHER);
}

void screen_key(struct screen_typed *typed)
{
	struct signalfd_siginfo signal_info;
	wint_t c = 0;
	int r;

	typed->rune = 0;
	if (read(term.signals, &signal_info, sizeof(signal_info)) ==
	    (ssize_t)sizeof(signal_info)) {
		typed->key = of_signal((int)signal_info.ssi_signo);
		return;
	}
	r = get_wch(&c);
	if (r == ERR) {
		typed->key = SCREEN_NONE;
	} else if (r == KEY_CODE_YES) {
		typed->key = of_key(c);
	} else if (c < 0x20 || c == 0x7f) {
		typed->rune = (uint32_t)c;
		typed->key = of_control(c);
	} else {
		typed->rune = (uint32_t)c;
		typed->key = SCREEN_TEXT;
	}
}

int screen_signals(void)
{
	return (term.signals);
}
