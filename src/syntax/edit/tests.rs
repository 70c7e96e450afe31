//! Edits in every style that people write inputs in.

use super::*;

mod random;

fn add(name: &str, url: &str) -> Operation {
    Operation::AddInput { name: name.to_owned(), url: url.to_owned(), flake: true }
}

fn remove(name: &str) -> Operation {
    Operation::RemoveInput { name: name.to_owned(), force: false }
}

fn set_url(name: &str, url: &str) -> Operation {
    Operation::SetUrl { name: name.to_owned(), url: url.to_owned() }
}

fn follow(path: &str, target: &str) -> Operation {
    Operation::Follow { path: path.to_owned(), target: target.to_owned() }
}

fn unfollow(path: &str) -> Operation {
    Operation::Unfollow { path: path.to_owned() }
}

fn made(text: &str, operation: &Operation) -> String {
    plan(text, operation).unwrap_or_else(|error| panic!("{error}\n{operation:?}\n{text}")).text
}

fn refused(text: &str, operation: &Operation) -> EditError {
    plan(text, operation).expect_err(text)
}

/// Both ways: the operation gives the second text, and what takes it back gives the first again.
fn there_and_back(operation: &Operation, back: &Operation, pairs: &[(&str, &str)]) {
    for (before, after) in pairs {
        assert_eq!(made(before, operation), *after);
        assert_eq!(made(after, back), *before);
    }
}

#[test]
fn edits_are_made_in_the_order_of_the_text_and_overlaps_are_refused() {
    let edits = [Edit::remove(5, 6), Edit::insert(0, "<"), Edit::insert(0, "<"), Edit::replace(1, 3, "BC")];
    assert_eq!(apply("abcdef", &edits).unwrap(), "<<aBCde");
    assert_eq!(apply("ab", &[]).unwrap(), "ab");
    let overlap = [Edit::remove(0, 2), Edit::remove(1, 3)];
    assert_eq!(apply("abc", &overlap), Err(ApplyError::Overlap { at: 1 }));
    assert_eq!(apply("abc", &[Edit::insert(1, "x"), Edit::remove(0, 2)]), Err(ApplyError::Overlap { at: 1 }));
    assert_eq!(apply("abc", &[Edit::remove(2, 9)]), Err(ApplyError::Range { start: 2, end: 9 }));
    assert_eq!(apply("äb", &[Edit::remove(1, 2)]), Err(ApplyError::Range { start: 1, end: 2 }));
    assert_eq!(apply("abc", &[Edit::remove(2, 1)]), Err(ApplyError::Range { start: 2, end: 1 }));
}

#[test]
fn a_new_input_looks_like_its_neighbours() {
    there_and_back(
        &add("x", "k:x"),
        &remove("x"),
        &[
            ("{ inputs.a.url = \"k:a\"; }", "{ inputs.a.url = \"k:a\"; inputs.x.url = \"k:x\"; }"),
            ("{inputs.a.url=\"k:a\";}", "{inputs.a.url=\"k:a\"; inputs.x.url = \"k:x\";}"),
            (
                "{\n  inputs.a.url = \"k:a\"; # the first\n\n  outputs = _: { };\n}\n",
                "{\n  inputs.a.url = \"k:a\"; # the first\n  inputs.x.url = \"k:x\";\n\n  outputs = _: { };\n}\n",
            ),
            (
                "{\n  inputs = {\n    a.url = \"k:a\";\n    # last\n  };\n}\n",
                "{\n  inputs = {\n    a.url = \"k:a\";\n    x.url = \"k:x\";\n    # last\n  };\n}\n",
            ),
            (
                "{\n\tinputs = {\n\t\ta = {\n\t\t\turl = \"k:a\";\n\t\t};\n\t};\n}\n",
                "{\n\tinputs = {\n\t\ta = {\n\t\t\turl = \"k:a\";\n\t\t};\n\t\tx = {\n\t\t\turl = \"k:x\";\n\t\t};\n\t};\n}\n",
            ),
            (
                "{ inputs = { a = { url = \"k:a\"; }; }; }",
                "{ inputs = { a = { url = \"k:a\"; }; x = { url = \"k:x\"; }; }; }",
            ),
            (
                "{\r\n  inputs.a.url = \"k:a\"; # c\r\n  outputs = i: 1;\r\n}\r\n",
                "{\r\n  inputs.a.url = \"k:a\"; # c\r\n  inputs.x.url = \"k:x\";\r\n  outputs = i: 1;\r\n}\r\n",
            ),
            ("{ inputs = { }; }", "{ inputs = { x.url = \"k:x\"; }; }"),
            ("{ inputs = {}; }", "{ inputs = {x.url = \"k:x\";}; }"),
            ("{\n  inputs = {\n  };\n}", "{\n  inputs = {\n    x.url = \"k:x\";\n  };\n}"),
            ("{\n  inputs = {\n    # none\n  };\n}", "{\n  inputs = {\n    # none\n    x.url = \"k:x\";\n  };\n}"),
            ("{ inputs = { /* none */ }; }", "{ inputs = { /* none */ x.url = \"k:x\"; }; }"),
            (
                "{ inputs = { a.url = \"k:a\"; }; inputs.b.url = \"k:b\"; }",
                "{ inputs = { a.url = \"k:a\"; x.url = \"k:x\"; }; inputs.b.url = \"k:b\"; }",
            ),
            (
                "{ inputs = { }; inputs = {\n    a.url = \"k:a\"; # c\n  }; }",
                "{ inputs = { }; inputs = {\n    a.url = \"k:a\"; # c\n    x.url = \"k:x\";\n  }; }",
            ),
            (
                "{ \"inputs\".\"a\".\"url\" = \"k:a\"; }",
                "{ \"inputs\".\"a\".\"url\" = \"k:a\"; inputs.x.url = \"k:x\"; }",
            ),
        ],
    );
}

#[test]
fn the_first_input_stands_before_the_outputs() {
    there_and_back(
        &add("x", "k:x"),
        &remove("x"),
        &[
            ("{ }", "{ inputs.x.url = \"k:x\"; }"),
            ("{}", "{inputs.x.url = \"k:x\";}"),
            ("{ outputs = i: 1; }", "{ inputs.x.url = \"k:x\"; outputs = i: 1; }"),
            ("{ # top\n  outputs = i: 1;\n}", "{ # top\n  inputs.x.url = \"k:x\";\n  outputs = i: 1;\n}"),
            (
                "{\n  description = \"d\";\n  # all\n  outputs = i: 1;\n}",
                "{\n  description = \"d\";\n  inputs.x.url = \"k:x\";\n  # all\n  outputs = i: 1;\n}",
            ),
            (
                "{\n  description = \"d\";\n\n  outputs = i: 1;\n}",
                "{\n  description = \"d\";\n\n  inputs.x.url = \"k:x\";\n\n  outputs = i: 1;\n}",
            ),
            (
                "{\r\n  description = \"d\";\r\n\r\n  outputs = i: 1;\r\n}",
                "{\r\n  description = \"d\";\r\n\r\n  inputs.x.url = \"k:x\";\r\n\r\n  outputs = i: 1;\r\n}",
            ),
            ("{\n  description = \"d\";\n}", "{\n  description = \"d\";\n  inputs.x.url = \"k:x\";\n}"),
        ],
    );
}

#[test]
fn a_plain_tree_is_said_to_be_none() {
    let plain = Operation::AddInput { name: "x".to_owned(), url: "k:x".to_owned(), flake: false };
    there_and_back(
        &plain,
        &remove("x"),
        &[
            (
                "{\n  inputs.a.url = \"k:a\";\n}",
                "{\n  inputs.a.url = \"k:a\";\n  inputs.x.url = \"k:x\";\n  inputs.x.flake = false;\n}",
            ),
            (
                "{\n  inputs = {\n    b.url = \"k:b\";\n    a = {\n      url = \"k:a\";\n    };\n  };\n}",
                "{\n  inputs = {\n    b.url = \"k:b\";\n    a = {\n      url = \"k:a\";\n    };\n    x = {\n      url = \"k:x\";\n      flake = false;\n    };\n  };\n}",
            ),
        ],
    );
}

#[test]
fn names_and_texts_are_quoted_where_they_must_be() {
    for (name, url) in [("a b", "k:x"), ("if", "k:${x}\"\\\n$${"), ("1x", "$"), ("é", "{}"), ("or", "k:$x")] {
        let text = made("{ inputs.a.url = \"k:a\"; outputs = { ... }: 1; }", &add(name, url));
        let input = crate::syntax::flake::read(&text).inputs.remove(1);
        assert_eq!((input.name.as_str(), input.url.as_deref()), (name, Some(url)), "{text}");
        assert!(text.contains(&format!("inputs.\"{name}\".url")), "{text}");
    }
    for name in ["", "self", "-x", "--flake", "a/b", "a\nb"] {
        assert!(matches!(refused("{ }", &add(name, "k:x")), EditError::InvalidName { .. }), "{name}");
    }
}

#[test]
fn what_is_removed_takes_its_own_comment_and_nothing_else() {
    let text = "{\n  # about x\n  inputs.x.url = \"k:x\"; # of x\n  # about a\n  inputs.a.url = \"k:a\";\n  inputs.x.inputs.a.follows = \"a\"; /* of x */\n}\n";
    let left = "{\n  # about x\n  # about a\n  inputs.a.url = \"k:a\";\n}\n";
    assert_eq!(made(text, &remove("x")), left);
    let text = "{ inputs = { x = { url = \"k:x\"; }; /* b */ b.url = \"k:b\"; }; }";
    assert_eq!(made(text, &remove("x")), "{ inputs = { /* b */ b.url = \"k:b\"; }; }");
    let text = "{\n  inputs.a.url = \"k:a\"; inputs.x.url = \"k:x\"; # of x\n}";
    assert_eq!(made(text, &remove("x")), "{\n  inputs.a.url = \"k:a\";\n}");
    let text = "{\n  inputs.x.url = \"k:x\"; inputs.a.url = \"k:a\"; # of a\n}";
    assert_eq!(made(text, &remove("x")), "{\n  inputs.a.url = \"k:a\"; # of a\n}");
    assert_eq!(made("{ inputs.x.url = \"k:x\";\n}", &remove("x")), "{\n}");
}

#[test]
fn arguments_of_outputs_are_kept_in_step() {
    let flake = |arguments: &str| format!("{{ inputs.a.url = \"k:a\"; outputs = {arguments}: 1; }}");
    let with = "{ inputs.a.url = \"k:a\"; inputs.x.url = \"k:x\"; outputs = ";
    for (before, after) in [
        ("{ self, a }", "{ self, a, x }"),
        ("{ self }", "{ self, x }"),
        ("{ self, a }@inputs", "{ self, a, x }@inputs"),
        ("inputs @ { self, a }", "inputs @ { self, a, x }"),
        ("{ }", "{ x }"),
        ("{}", "{x}"),
        ("{\n  self,\n  a,\n}", "{\n  self,\n  a,\n  x,\n}"),
        ("{\n  self,\n}", "{\n  self,\n  x,\n}"),
        ("{ self\n, a\n}", "{ self\n, a\n, x\n}"),
        ("{\n  self,\n  a, # c\n}", "{\n  self,\n  a, # c\n  x,\n}"),
        ("{\n  self,\n  a # c\n}", "{\n  self,\n  a, # c\n  x\n}"),
        ("{\n  self, # c\n  a,\n}", "{\n  self, # c\n  a,\n  x,\n}"),
        ("{ self, a ? null }", "{ self, a ? null, x }"),
        ("{ self, ... }", "{ self, ... }"),
        ("{ self, ... }@all", "{ self, ... }@all"),
        ("all", "all"),
        ("(all", "(all"),
    ] {
        let (before, after) = match before {
            "(all" => ("{ inputs.a.url = \"k:a\"; outputs = (all: 1); }".to_owned(), format!("{with}(all: 1); }}")),
            _ => (flake(before), format!("{with}{after}: 1; }}")),
        };
        assert_eq!(made(&before, &add("x", "k:x")), after);
        assert_eq!(made(&after, &remove("x")), before);
    }
    for (before, after) in [
        ("{ x, a }", "{ a }"),
        ("{ x, ... }", "{ ... }"),
        ("{ self, x, a, ... }", "{ self, a, ... }"),
        ("{\n  x,\n  a,\n}", "{\n  a,\n}"),
        ("{ x }", "{ }"),
        ("{ a, x ? { b = 1; } }", "{ a }"),
        ("{\n  a, # of a\n  x, # of x\n  b,\n}", "{\n  a, # of a\n  b,\n}"),
    ] {
        let text = format!("{with}{before}: 1; }}");
        assert_eq!(made(&text, &remove("x")), flake(after));
    }
}

#[test]
fn what_the_arguments_mean_for_the_user_is_said() {
    let notes = |text: &str, operation: &Operation| plan(text, operation).unwrap().notes;
    let name = || "x".to_owned();
    let note = notes("{ outputs = { self, ... }: 1; }", &add("x", "k:x"));
    assert_eq!(note, [Note::ArgumentsOpen { name: name() }]);
    let note = notes("{ outputs = { self }: 1; }", &add("x y", "k:x"));
    assert_eq!(note, [Note::NoArgument { name: "x y".to_owned() }]);
    let note = notes("{ outputs = import ./outputs.nix; }", &add("x", "k:x"));
    assert_eq!(note, [Note::OutputsElsewhere { name: name() }]);
    assert_eq!(notes("{ outputs = { x }: 1; }", &add("x", "k:x")), []);
    let text = "{ inputs.x.url = \"k:x\"; outputs = { x, ... }@all: {\n a = x.y;\n b = { x = 1; }.x;\n c = { inherit x; };\n d = all.x; }; }";
    let note = notes(text, &remove("x"));
    assert_eq!(note, [Note::StillUsed { name: name(), lines: vec![2, 4, 5] }]);
    assert!(note[0].is_warning() && note[0].to_string().contains("lines 2, 4, 5"), "{}", note[0]);
    let text = "{ inputs.x.url = \"k:x\"; outputs = all: all.x.y; }";
    assert_eq!(notes(text, &remove("x")), [Note::StillUsed { name: name(), lines: vec![1] }]);
    assert_eq!(notes("{ inputs.x.url = \"k:x\"; outputs = { x }: { y.x = 1; }; }", &remove("x")), []);
}

#[test]
fn what_is_still_used_is_named_by_the_lines_of_the_new_text() {
    // Given an input whose lines go before its uses, among them and behind them, and an argument that goes with its line
    let text = "{\n  inputs.x = {\n    url = \"k:x\";\n  };\n  inputs.a.url = \"k:a\";\n  inputs.a.inputs.b.follows = \"x\";\n  outputs =\n    {\n      self,\n      x,\n      a,\n    }:\n    {\n      b = x.c;\n      d = [ x a ]; e = x;\n    };\n  inputs.x.flake = false;\n}\n";
    // When it is removed
    let plan = plan(text, &Operation::RemoveInput { name: "x".into(), force: true }).unwrap();
    // Then the lines that are named use it in what was made, and no others do
    let names_it = |line: &str| line.split(|letter: char| !letter.is_alphanumeric()).any(|word| word == "x");
    let used: Vec<u32> = (1..).zip(plan.text.lines()).filter(|(_, line)| names_it(line)).map(|(at, _)| at).collect();
    let note = Note::StillUsed { name: "x".into(), lines: used };
    assert!(plan.notes.contains(&note) && note.to_string().contains("lines 9, 10"), "{:?}\n{}", plan.notes, plan.text);
}

#[test]
fn a_url_is_set_in_every_form() {
    for (before, after) in [
        ("{ inputs.x.url = \"k:a\"; }", "{ inputs.x.url = \"k:x\"; }"),
        ("{ inputs.x.url = k:a; }", "{ inputs.x.url = \"k:x\"; }"),
        ("{ inputs.x = { url = (''k:a''); /* c */ }; }", "{ inputs.x = { url = (\"k:x\"); /* c */ }; }"),
        ("{ inputs.x.url = ./a; }", "{ inputs.x.url = \"k:x\"; }"),
        (
            "{\n  inputs.x = {\n    type = \"github\"; # c\n    owner = \"o\";\n    # why\n    repo = \"r\";\n    flake = false;\n  };\n}",
            "{\n  inputs.x = {\n    url = \"k:x\"; # c\n    # why\n    flake = false;\n  };\n}",
        ),
        (
            "{ inputs.x.type = \"indirect\"; inputs.x.id = \"nixpkgs\"; inputs.a.url = \"k:a\"; }",
            "{ inputs.x.url = \"k:x\"; inputs.a.url = \"k:a\"; }",
        ),
        (
            "{\n  inputs.x.flake = false;\n  inputs.a.url = \"k:a\";\n}",
            "{\n  inputs.x.flake = false;\n  inputs.x.url = \"k:x\";\n  inputs.a.url = \"k:a\";\n}",
        ),
        (
            "{ inputs.x = { type = \"git\"; url = \"https://e.org\"; ref = \"main\"; flake = false; }; }",
            "{ inputs.x = { url = \"k:x\"; flake = false; }; }",
        ),
        ("{ inputs.x = { }; }", "{ inputs.x = { }; inputs.x.url = \"k:x\"; }"),
    ] {
        assert_eq!(made(before, &set_url("x", "k:x")), after);
    }
    assert_eq!(plan("{ inputs.x.url = k:x; }", &set_url("x", "k:x")).unwrap().edits, []);
}

#[test]
fn inputs_of_inputs_follow_and_stop_following() {
    there_and_back(
        &follow("x/n", "n"),
        &unfollow("x/n"),
        &[
            (
                "{ inputs.n.url = \"k:n\"; inputs.x.url = \"k:x\"; }",
                "{ inputs.n.url = \"k:n\"; inputs.x.url = \"k:x\"; inputs.x.inputs.n.follows = \"n\"; }",
            ),
            (
                "{\n  inputs = {\n    x.url = \"k:x\"; # c\n    n.url = \"k:n\";\n  };\n}",
                "{\n  inputs = {\n    x.url = \"k:x\"; # c\n    x.inputs.n.follows = \"n\";\n    n.url = \"k:n\";\n  };\n}",
            ),
            (
                "{\n  inputs.n.url = \"k:n\";\n  inputs.x = {\n    url = \"k:x\";\n  };\n}",
                "{\n  inputs.n.url = \"k:n\";\n  inputs.x = {\n    url = \"k:x\";\n    inputs.n.follows = \"n\";\n  };\n}",
            ),
            (
                "{ inputs = { n.url = \"k:n\"; x = { url = \"k:x\"; inputs = { m.follows = \"n\"; }; }; }; }",
                "{ inputs = { n.url = \"k:n\"; x = { url = \"k:x\"; inputs = { m.follows = \"n\"; n.follows = \"n\"; }; }; }; }",
            ),
            (
                "{ inputs = { n.url = \"k:n\"; x = { url = \"k:x\"; inputs = { }; }; }; }",
                "{ inputs = { n.url = \"k:n\"; x = { url = \"k:x\"; inputs = { }; inputs.n.follows = \"n\"; }; }; }",
            ),
        ],
    );
    let text = "{ inputs.n.url = \"k:n\"; inputs.x = { url = \"k:x\"; inputs = { n = { follows = \"n\"; }; }; }; }";
    assert_eq!(made(text, &unfollow("x/n")), "{ inputs.n.url = \"k:n\"; inputs.x = { url = \"k:x\"; }; }");
    let text = "{ inputs.n.url = \"k:n\"; inputs.m.url = \"k:m\"; inputs.x.inputs.n.follows = \"m\"; }";
    assert_eq!(made(text, &follow("x/n", "n")), text.replace("follows = \"m\"", "follows = \"n\""));
    assert_eq!(plan(text, &follow("x/n", "m")).unwrap().edits, []);
    let text = "{ inputs.n.url = \"k:n\"; inputs.x.inputs.n.follows = \"n\"; outputs = { x, ... }: 1; }";
    assert_eq!(made(text, &unfollow("x/n")), "{ inputs.n.url = \"k:n\"; outputs = { x, ... }: 1; }");
    assert!(matches!(refused(&text.replace("x, ", ""), &unfollow("x/n")), EditError::Unsure { .. }));
    let text = "{ inputs.n.url = \"k:n\"; inputs.m.url = \"k:m\"; inputs.x.inputs.n.follows = \"m\"; }";
    assert!(made(text, &follow("x/y/z", "")).contains("inputs.x.inputs.y.inputs.z.follows = \"\";"));
}

#[test]
fn what_others_follow_is_removed_only_by_force() {
    let text = "{\n  inputs.n.url = \"k:n\";\n  inputs.x.url = \"k:x\";\n  inputs.x.inputs.n.follows = \"n\";\n  inputs.y = {\n    url = \"k:y\";\n    inputs = {\n      n.follows = \"n\";\n    };\n  };\n}\n";
    let by = vec!["x/n".to_owned(), "y/n".to_owned()];
    assert_eq!(refused(text, &remove("n")), EditError::Followed { name: "n".to_owned(), by });
    let plan = plan(text, &Operation::RemoveInput { name: "n".to_owned(), force: true }).unwrap();
    assert_eq!(plan.text, "{\n  inputs.x.url = \"k:x\";\n  inputs.y = {\n    url = \"k:y\";\n  };\n}\n");
    assert_eq!(plan.notes.len(), 2);
    let text = "{ inputs.n.url = \"k:n\"; inputs.m.follows = \"n/o\"; }";
    let force = Operation::RemoveInput { name: "n".to_owned(), force: true };
    assert_eq!(refused(text, &force), EditError::Aliased { name: "n".to_owned(), by: vec!["m".to_owned()] });
}

#[test]
fn what_cannot_be_done_is_refused_and_says_why() {
    let not_literal = |what: &str, line| EditError::NotLiteral { what: what.to_owned(), line };
    assert_eq!(refused("{ inputs = import ./i.nix; }", &add("x", "k:x")), not_literal("inputs", 1));
    assert_eq!(refused("let i = { }; in {\n inherit i; }", &add("x", "k:x")), EditError::NotASet);
    assert_eq!(refused("{\n inherit (i) inputs; }", &add("x", "k:x")), not_literal("inputs", 2));
    assert_eq!(refused("{ inputs.${x}.url = \"k:x\"; }", &add("y", "k:x")), not_literal("${x}", 1));
    assert_eq!(refused("{ inputs = { inherit (i) x; }; }", &remove("x")), not_literal("inputs.x", 1));
    assert_eq!(refused("{ inputs.x.url = \"k:\" + y; }", &set_url("x", "k:x")), not_literal("inputs.x.url", 1));
    assert_eq!(refused("{ inputs.x = f; }", &set_url("x", "k:x")), not_literal("inputs.x", 1));
    assert_eq!(refused("{ inputs.x.inputs = f; }", &follow("x/y", "x")), not_literal("inputs.x.inputs", 1));
    let syntax = refused("{\n inputs.x.url = ;\n}", &add("y", "k:y"));
    assert!(matches!(syntax, EditError::Syntax { line: 2, .. }), "{syntax}");
    let name = || "x".to_owned();
    assert_eq!(refused("{ inputs.x = { }; }", &add("x", "k:x")), EditError::Exists { name: name() });
    let known = vec!["a".to_owned()];
    assert_eq!(refused("{ inputs.a = { }; }", &remove("x")), EditError::NoInput { name: name(), known });
    assert_eq!(refused("{ outputs = { x }: 1; }", &set_url("x", "k:x")), EditError::Undeclared { name: name() });
    let twice = refused("{ inputs.x.url = \"k:a\"; inputs.x.url = \"k:b\"; }", &set_url("x", "k:x"));
    assert_eq!(twice, EditError::Twice { what: "inputs.x.url".to_owned(), line: 1 });
    let text = "{ inputs.a.url = \"k:a\"; inputs.x.follows = \"a/b\"; inputs.a.inputs.c.url = \"k:c\"; }";
    let follows = || EditError::Follows { path: name(), target: "a/b".to_owned() };
    assert_eq!(refused(text, &set_url("x", "k:x")), follows());
    assert_eq!(refused(text, &unfollow("x")), follows());
    assert_eq!(refused(text, &follow("a", "x")), EditError::HasReference { path: "a".to_owned() });
    assert_eq!(refused(text, &follow("a/c", "x")), EditError::HasReference { path: "a/c".to_owned() });
    assert_eq!(refused(text, &unfollow("a/b")), EditError::NotFollowing { path: "a/b".to_owned() });
    assert!(matches!(refused(text, &follow("a/b", "z")), EditError::NoInput { .. }));
    assert!(matches!(refused(text, &follow("a/b", "a/b/c")), EditError::Cycle { .. }));
    assert_eq!(made(text, &follow("x", "a")), text.replace("\"a/b\"", "\"a\""));
}
