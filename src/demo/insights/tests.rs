use super::*;
use quarterdeck_core::Timestamp;

fn records() -> Vec<Row> {
    let lines = [
        (0, r#"{"level":"info","status":200,"ms":12,"path":"/cart","user":{"id":"u1"}}"#),
        (10, r#"{"level":"error","status":502,"ms":3001,"path":"/pay","user":{"id":"u2"}}"#),
        (20, "level=warn msg=\"slow\" waited_ms=2040 request=abc"),
        (70, r#"{"level":"error","status":502,"ms":2999,"path":"/pay","user":{"id":"u1"}}"#),
        (80, "FATAL: remaining connection slots are reserved"),
    ];
    let row = |(s, message): (i64, &str)| {
        Row::event(Timestamp::from_millis(s * 1_000), "1:/g", "s", message, format!("p{s}"))
    };
    lines.into_iter().map(row).collect()
}

/// Rows as `name=value` without the pointer, joined.
fn run(query: &str) -> Vec<String> {
    let found = Query::parse(query).unwrap_or_else(|e| panic!("{query}: {e:?}")).run(records(), 1_000);
    let row = |row: Vec<(String, String)>| {
        let shown = row.into_iter().filter(|(name, _)| name != "@ptr").map(|(n, v)| format!("{n}={v}"));
        shown.collect::<Vec<_>>().join(" ")
    };
    found.rows.into_iter().map(row).collect()
}

#[test]
fn the_commands_people_use() {
    for (query, rows) in [
        // Newest first unless it is sorted.
        (
            "fields path, status | filter ispresent(path)",
            vec!["path=/pay status=502", "path=/pay status=502", "path=/cart status=200"],
        ),
        ("fields ms | filter status = 502 | sort ms asc", vec!["ms=2999", "ms=3001"]),
        ("fields ms | filter status >= 500 and ms > 3000", vec!["ms=3001"]),
        ("fields user.id as who | filter status = 200 or ms < 3000 | sort who", vec!["who=u1", "who=u1"]),
        (
            "filter @message like /FATAL|slow/ | fields @timestamp",
            vec!["@timestamp=1970-01-01 00:01:20.000", "@timestamp=1970-01-01 00:00:20.000"],
        ),
        ("filter @message like 'slots' | display @logStream", vec!["@logStream=s"]),
        ("filter @message =~ /(?i)fatal/ | stats count(*)", vec!["count(*)=1"]),
        ("filter @message not like /FATAL/ and not (status = 502) | stats count() as n", vec!["n=2"]),
        ("filter status in [200, 404] | stats count(*) as n", vec!["n=1"]),
        ("stats count(*) as n by level | sort n desc, level | limit 2", vec!["level=error n=2", "n=2"]),
        (
            "stats count(*) by bin(1m)",
            vec!["bin(1m)=1970-01-01 00:00:00.000 count(*)=3", "bin(1m)=1970-01-01 00:01:00.000 count(*)=2"],
        ),
        (
            "stats count(*) as n by bin(1m) as t | sort t desc | limit 1",
            vec!["t=1970-01-01 00:01:00.000 n=2"],
        ),
        (
            "stats avg(ms) as a, max(ms) as most, min(ms) as least, sum(ms) as s, pct(ms, 50) as p",
            vec!["a=2004 most=3001 least=12 s=6012 p=2999"],
        ),
        (
            "stats count_distinct(user.id) as users, latest(path) as last, earliest(path) as first",
            vec!["users=2 last=/pay first=/cart"],
        ),
        ("stats count(*) as n", vec!["n=5"]),
        ("filter path = '/nothing' | stats count(*) as n", vec!["n=0"]),
        (
            "parse @message 'waited_ms=* request=*' as ms2, id | filter ispresent(id) | fields ms2, id",
            vec!["ms2=2040 id=abc"],
        ),
        (
            "parse @message /msg=\"(?<word>\\w+)\"/ | filter ispresent(word) | fields toupper(word) as w",
            vec!["w=SLOW"],
        ),
        ("fields path | filter ispresent(path) | dedup path", vec!["path=/pay", "path=/cart"]),
        ("# all of them\nfields strlen(@message) as n | sort n asc | limit 1", vec!["n=46"]),
        (
            "stats count(*) by path, status | sort count(*) desc, path | limit 1",
            vec!["path=/pay status=502 count(*)=2"],
        ),
    ] {
        assert_eq!(run(query), rows, "{query}");
    }
    // Without `fields`: the time and the message, and the pointer.
    let found = Query::parse("limit 1").unwrap().run(records(), 1_000);
    let names: Vec<&str> = found.rows[0].iter().map(|(n, _)| n.as_str()).collect();
    assert_eq!(names, ["@timestamp", "@message", "@ptr"]);
    let found = Query::parse("filter status = 502 | stats count(*) by path").unwrap().run(records(), 1_000);
    assert_eq!((found.matched, found.rows.len()), (2, 1));
}

#[test]
fn what_cannot_be_read_says_where() {
    for (query, start, word) in [
        ("fields @message | filtre x = 1", 18, "fields, display"),
        ("stats cnt(*)", 6, "count, sum"),
        ("stats count(* by level", 14, ")"),
        ("filter level = ", 15, "a field or a value"),
        ("filter @message like", 20, "a text in quotes"),
        ("filter @message like /(/", 21, "a text in quotes"),
        ("filter level = 'open", 15, "not closed"),
        ("limit 0", 6, "1 to 10000"),
        ("limit many", 6, "1 to 10000"),
        ("fields a; b", 8, "unexpected symbol"),
        ("fields nosuch(a)", 7, "no function nosuch"),
        ("parse @message 'a=*' as", 23, "a name"),
        ("parse @message 'a=* b=*' as one", 31, "a name for each"),
        ("pattern @message", 0, "has no other command"),
        ("", 0, "a command"),
        ("stats count(*) by bin(often)", 18, "span"),
    ] {
        let error = Query::parse(query).unwrap_err();
        assert!(error.message.contains(word), "{query}: {error:?}");
        assert_eq!(error.start, start, "{query}: {error:?}");
        assert!(error.end >= error.start);
    }
}
