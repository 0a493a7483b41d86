//! Everything a key can do.

macro_rules! actions {
    ($($variant:ident $name:literal $doc:literal)*) => {
        /// One thing a key can do, whatever the key.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Action {
            $(#[doc = $doc] $variant,)*
        }

        impl Action {
            /// Every action, in the order the help lists them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// Its name in the key map's file.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }

            /// One line of what it does.
            #[must_use]
            pub const fn doc(self) -> &'static str {
                match self {
                    $(Self::$variant => $doc,)*
                }
            }

            /// The action of this name.
            #[must_use]
            pub fn named(name: &str) -> Option<Self> {
                match name {
                    $($name => Some(Self::$variant),)*
                    _ => None,
                }
            }
        }
    };
}

actions! {
    Send "send" "send the question"
    NewLine "new-line" "new line"
    Accept "accept" "accept"
    Close "close" "close, cancel or leave the innermost thing"
    Complete "complete" "complete the word, or take the selected match"

    CursorLeft "cursor-left" "one character back"
    CursorRight "cursor-right" "one character forward"
    WordLeft "word-left" "one word back"
    WordRight "word-right" "one word forward"
    LineStart "line-start" "to the start of the line"
    LineEnd "line-end" "to the end of the line"
    DeleteBack "delete-back" "delete the character before the cursor"
    DeleteForward "delete-forward" "delete the character under the cursor"
    DeleteWordBack "delete-word-back" "cut the word before the cursor"
    DeleteWordForward "delete-word-forward" "cut the word after the cursor"
    DeleteToStart "delete-to-start" "cut to the start of the line"
    DeleteToEnd "delete-to-end" "cut to the end of the line"
    Yank "yank" "insert what was cut last"
    Transpose "transpose" "swap the two characters around the cursor"
    LineUp "line-up" "line above; from the first line, the earlier question"
    LineDown "line-down" "line below; from the last line, the later question"
    SearchHistory "search-history" "search earlier questions; again for an older one"

    NextPane "next-pane" "next pane"
    PreviousPane "previous-pane" "previous pane"
    FocusChat "focus-chat" "to the chat"
    FocusTimeline "focus-timeline" "to the timeline"
    FocusDetail "focus-detail" "to the detail"
    Compose "compose" "to the line where one asks"
    Zoom "zoom" "the pane fills the screen, and back"

    Down "down" "down"
    Up "up" "up"
    HalfPageDown "half-page-down" "half a page down"
    HalfPageUp "half-page-up" "half a page up"
    PageDown "page-down" "a page down"
    PageUp "page-up" "a page up"
    Top "top" "to the beginning"
    Bottom "bottom" "to the end, and follow the newest"
    ScrollLeft "scroll-left" "scroll left"
    ScrollRight "scroll-right" "scroll right"

    Expand "expand" "expand or fold the step in place, and show it in detail"
    ExpandAll "expand-all" "expand every step; in the chat, open all thinking"
    FoldAll "fold-all" "fold every step; in the chat, fold all thinking"
    Follow "follow" "follow the newest step, or stay"
    ErrorsOnly "errors-only" "only failed, denied and unknown steps, or all"
    CallsOnly "calls-only" "only calls, or all"
    Search "search" "search; on the timeline, filter"
    NextMatch "next-match" "next match"
    PreviousMatch "previous-match" "previous match"
    NextTab "next-tab" "next way to show the step: result, request, raw"

    PreviousLink "previous-link" "previous evidence link or thinking"
    NextLink "next-link" "next evidence link or thinking"
    OpenLink "open-link" "to the step of the selected evidence link; open or fold thinking"

    CopyStep "copy-step" "copy the step as Markdown"
    CopyCall "copy-call" "copy the call as a command, anything else as JSON"
    Again "again" "run the call again as a new step (reads only)"
    Undo "undo" "propose the undo of the change"
    Withdraw "withdraw" "take the refusal back: a fresh plan, a fresh dialog"
    SwitchMode "switch-mode" "track instead of execute; back asks first"

    Evidence "evidence" "expand or fold the evidence of warnings"
    NextTarget "next-target" "next target"
    PreviousTarget "previous-target" "previous target"
    CopyCommand "copy-command" "copy the equivalent command line"
    Aside "aside" "set the dialog aside to look behind it, and back"
    Note "note" "refuse with a note to the model"
    RefuseRest "refuse-rest" "refuse this and everything else that waits in the round"

    Palette "palette" "the palette: every command, every tool"
    Help "help" "the keys of where you are"
    Cancel "cancel" "cancel the turn at once; twice on an idle console quits"
    Redraw "redraw" "draw everything anew"
    Suspend "suspend" "suspend; an open dialog is refused"
    Quit "quit" "end the console"

    Settings "settings" "the settings: provider, model, effort, limits, mode"
    Change "change" "change the value, or open its choices"
    Less "less" "the choice before, or a step less"
    More "more" "the next choice, or a step more"
    SaveSettings "save-settings" "save what was changed to your settings file"
}
