//! Every form people write inputs in.

use super::*;

fn urls(text: &str) -> Vec<(String, Option<String>)> {
    read(text).inputs.into_iter().map(|input| (input.name, input.url)).collect()
}

/// The codes of what is wrong with a text, but that it has no `outputs`: most texts here are about inputs alone.
fn codes(text: &str) -> Vec<&'static str> {
    problems(text).into_iter().map(|problem| problem.code).collect()
}

fn problems(text: &str) -> Vec<Problem> {
    let mut problems = read(text).problems;
    problems.retain(|problem| problem.span.is_some() || problem.code != "flake-shape");
    problems
}

#[test]
fn every_form_of_a_url_is_read() {
    for text in [
        "{ inputs.x.url = \"u:v\"; }",
        "{ inputs.x = { url = \"u:v\"; }; }",
        "{ inputs = { x.url = \"u:v\"; }; }",
        "{ inputs = { x = { url = u:v; }; }; }",
        "{ \"inputs\".\"x\".\"url\" = \"u:v\"; }",
        "({ inputs = ({ x = ({ url = (\"u:v\"); }); }); })",
        "# c\n{ /* c */ inputs /* c */ . x . url = # c\n ''u:v''; }",
    ] {
        assert_eq!(urls(text), [("x".to_owned(), Some("u:v".to_owned()))], "{text}");
        assert_eq!(codes(text), Vec::<&str>::new(), "{text}");
    }
}

#[test]
fn what_nix_refuses_is_resolved_when_certain_and_said() {
    for (text, code) in [
        ("let u = \"u:v\"; in { inputs.x.url = u; }", "not-literal"),
        ("(let a = 1; in { inputs.x.url = \"u:v\"; })", "not-literal"),
        ("rec { u = \"u:v\"; inputs.x.url = u; }", "flake-attribute"),
        ("{ inputs.x.url = \"u:\" + \"v\"; }", "dynamic-input"),
        ("{ inputs.x.url = \"${\"u:v\"}\"; }", "dynamic-input"),
        ("{ inputs = let x.url = \"u:v\"; in { inherit x; }; }", "dynamic-input"),
    ] {
        assert_eq!(urls(text), [("x".to_owned(), Some("u:v".to_owned()))], "{text}");
        assert_eq!(codes(text), [code], "{text}");
    }
    let file = read("{ inputs = {\n  x.url = import ./u;\n  y.url = \"k:l\";\n }; }");
    assert_eq!(file.inputs[0].url, None);
    assert_eq!(file.inputs[1].url.as_deref(), Some("k:l"));
    let dynamic = file.problems.iter().find(|problem| problem.code == "dynamic-input").and_then(|problem| problem.span);
    assert_eq!(dynamic.map(|span| span.line), Some(2));
    assert_eq!(codes("import ./x"), ["not-an-attrset"]);
    assert_eq!(codes(""), ["not-an-attrset", "syntax-error"]);
}

/// The codes of what is wrong with a flake of these bindings, all there.
fn of(bindings: &str) -> Vec<&'static str> {
    read(&format!("{{ {bindings} }}")).problems.into_iter().map(|problem| problem.code).collect()
}

/// Each was tried with Nix 2.26: it takes those without a code and refuses the others.
#[test]
fn shapes_that_nix_refuses_are_told_from_those_that_it_takes() {
    let outputs = "outputs = _: { };";
    for (bindings, code) in [
        ("bogus = 1;", "flake-attribute"),
        ("description = 1;", "flake-shape"),
        ("description = null;", "flake-shape"),
        ("description = ./x;", "flake-shape"),
        ("description = \"a\" + \"b\";", "flake-shape"),
        ("description = \"a${\"b\"}\";", "flake-shape"),
        ("description = (\"a\");", ""),
        ("description = ''\n  a\n  ''${b}'';", ""),
        ("${\"description\"} = \"a\";", ""),
        ("${\"desc\" + \"ription\"} = \"a\";", "computed-attribute"),
        ("nixConfig = 1;", "flake-shape"),
        ("nixConfig = import ./x.nix;", "flake-shape"),
        ("nixConfig.${\"a\"} = \"b\";", ""),
        ("nixConfig.a.b = \"b\";", "flake-shape"),
        ("nixConfig = { a = \"b\"; c = 1; d = true; e = [ \"f\" ]; g = [ ]; h = ./i; };", ""),
        ("nixConfig.a = [ 1 ];", "flake-shape"),
        ("nixConfig.a = [ true ];", "flake-shape"),
        ("nixConfig.a = [ ./b ];", "flake-shape"),
        ("nixConfig.a = [ (\"b\" + \"c\") ];", "flake-shape"),
        ("nixConfig.a = \"b\" + \"c\";", "flake-shape"),
        ("nixConfig.a = \"${\"b\"}\";", "flake-shape"),
        ("nixConfig.a = 1.5;", "flake-shape"),
        ("nixConfig.a = x: x;", "flake-shape"),
    ] {
        let mut found = of(&format!("{bindings} {outputs}"));
        found.retain(|found| *found != "not-literal");
        assert_eq!(found, Vec::from_iter(Some(code).filter(|code| !code.is_empty())), "{bindings}");
    }
    assert_eq!(of("description = \"x\";"), ["flake-shape"], "no outputs");
    assert_eq!(of("${\"out\" + \"puts\"} = _: { };"), ["computed-attribute"]);
    for broken in ["inputs.a.foo = 1; bogus = 1", "outputs = ;"] {
        assert!(of(broken).iter().all(|code| *code == "syntax-error"), "of what nix cannot parse that alone is said");
    }
    for (bindings, code) in [
        ("inherit (builtins) description;", "flake-shape"),
        ("inputs = rec { u = { url = \"k:u\"; }; l = u; };", ""),
        ("inputs = { ${\"l\"}.url = \"k:l\"; };", ""),
        ("inputs = { ${\"l\" + \"m\"}.url = \"k:l\"; };", "dynamic-input"),
        ("inputs.${\"l\" + \"m\"}.url = \"k:l\";", "dynamic-input"),
        ("nixConfig.${\"a\" + \"b\"} = \"c\";", "flake-shape"),
        ("inputs.l = \"k:l\";", "invalid-input"),
        ("inputs = [ ];", "dynamic-input"),
    ] {
        let mut found = of(&format!("{bindings} {outputs}"));
        found.dedup();
        assert_eq!(found, Vec::from_iter(Some(code).filter(|code| !code.is_empty())), "{bindings}");
    }
}

/// As Nix 2.26 says with each of them in the place of `outputs`.
#[test]
fn outputs_is_a_function_that_is_written_out_and_takes_what_it_is_given() {
    for (outputs, codes) in [
        ("inputs: { }", &[][..]),
        ("(inputs: { })", &[]),
        ("{ self, ... }@inputs: { }", &[]),
        ("inputs@{ self, ... }: { }", &[]),
        ("{ ... }: { }", &[]),
        ("{ self, l }: { }", &[]),
        ("{ self, l, m ? 1 }: { }", &[]),
        ("{ self }: { }", &["outputs-arguments"]),
        ("{ l }: { }", &["outputs-arguments"]),
        ("{ }: { }", &["outputs-arguments", "outputs-arguments"]),
        ("{ }", &["flake-shape"]),
        ("{ __functor = _: _: { }; }", &["flake-shape"]),
        ("import ./x.nix", &["flake-shape"]),
        ("builtins.trace", &["flake-shape"]),
        ("let a = 1; in _: { x = a; }", &["flake-shape"]),
        ("with builtins; _: { }", &["flake-shape"]),
        ("assert true; _: { }", &["flake-shape"]),
        ("if true then _: { } else _: { }", &["flake-shape"]),
    ] {
        assert_eq!(of(&format!("inputs.l.url = \"k:l\"; outputs = {outputs};")), codes, "{outputs}");
    }
}

/// As Nix 2.26 says with each of them in an input.
#[test]
fn an_input_has_the_attributes_of_its_type_alone() {
    for (attributes, code) in [
        ("url = \"k:l\"; flake = false;", ""),
        ("url = \"k:l\"; foo = 1;", "flake-attribute"),
        ("url = \"k:l\"; ref = \"main\";", "flake-attribute"),
        ("url = \"k:l\"; dir = \"sub\";", "flake-attribute"),
        ("owner = \"o\"; repo = \"r\";", "flake-attribute"),
        ("follows = \"x\"; foo = 1;", "flake-attribute"),
        ("url = \"k:l\"; inputs.z.foo = 1;", "flake-attribute"),
        (
            "type = \"github\"; owner = \"o\"; repo = \"r\"; ref = \"a\"; dir = \"d\"; host = \"h\"; narHash = \"n\";",
            "",
        ),
        ("type = \"path\"; path = \"/l\"; lastModified = 1; revCount = 1;", ""),
        ("type = \"github\"; owner = \"o\"; repo = \"r\"; foo = 1;", "flake-attribute"),
        ("type = \"git\"; url = \"file:///l\"; publicKeys = [ { key = \"k\"; } ];", ""),
        ("url = 5;", "dynamic-input"),
        ("url = \"k:l\"; flake = 1;", "dynamic-input"),
        ("follows = 1;", "dynamic-input"),
        ("url = \"k:l\"; inputs = 1;", "dynamic-input"),
        ("url = \"k:l\"; inputs.z = 1;", "invalid-input"),
    ] {
        let mut found = of(&format!("inputs.l = {{ {attributes} }}; outputs = _: {{ }};"));
        found.dedup();
        assert_eq!(found, Vec::from_iter(Some(code).filter(|code| !code.is_empty())), "{attributes}");
    }
    assert_eq!(of("inputs.self.submodules = true; outputs = _: { };"), [""; 0], "newer releases take it");
}

#[test]
fn attributes_follows_and_overrides_are_read() {
    let file = read(
        "{ inputs.a = { type = \"github\"; owner = \"o\"; repo = \"r\"; shallow = true; revCount = 1; flake = false;
             inputs.b.follows = \"c\"; inputs.d.inputs.e = { follows = \"\"; }; };
           inputs.a.inputs.\"f g\".url = \"k:l\"; outputs = _: { }; inputs.c.follows = \"a/b\"; inputs.p.url = ./sub; inputs.q.url = ../q; }",
    );
    assert_eq!(file.problems, []);
    let a = &file.inputs[0];
    assert_eq!(
        serde_json::to_string(&a.attrs).unwrap(),
        r#"{"owner":"o","repo":"r","revCount":1,"shallow":true,"type":"github"}"#
    );
    assert!(!a.flake);
    assert_eq!(a.overrides.keys().collect::<Vec<_>>(), ["b", "d/e", "f g"]);
    assert_eq!(a.overrides["b"].follows.as_deref(), Some("c"));
    assert_eq!(a.overrides["d/e"].follows.as_deref(), Some(""));
    assert_eq!(a.overrides["f g"].url.as_deref(), Some("k:l"));
    assert_eq!(file.inputs[1].follows.as_deref(), Some("a/b"));
    assert_eq!(file.inputs[2].url.as_deref(), Some("path:sub"));
    assert_eq!(file.inputs[3].url.as_deref(), Some("path:../q"));
}

#[test]
fn undeclared_arguments_are_inputs_also_with_a_default() {
    let file = read("{ inputs.a.url = \"k:l\"; outputs = { self, a, b, c ? 1, ... }@inputs: { }; }");
    let names: Vec<_> = file.inputs.iter().map(|input| (input.name.as_str(), input.declared)).collect();
    assert_eq!(names, [("a", true), ("b", false), ("c", false)]);
}

#[test]
fn order_description_and_settings_are_kept() {
    let file = read(
        "{ description = \"d\"; nixConfig = { b = [ \"x\" \"y\" ]; a = true; n = 3; };
           inputs = { z.url = \"k:z\"; a.url = \"k:a\"; }; inputs.m.url = \"k:m\"; }",
    );
    assert_eq!(file.description.as_deref(), Some("d"));
    assert_eq!(file.inputs.iter().map(|input| input.name.as_str()).collect::<Vec<_>>(), ["z", "a", "m"]);
    let settings: Vec<_> = file.nix_config.iter().map(|s| (s.name.as_str(), s.value.as_str())).collect();
    assert_eq!(settings, [("b", "x y"), ("a", "true"), ("n", "3")]);
}

#[test]
fn duplicates_and_broken_inputs_do_not_lose_the_others() {
    assert_eq!(codes("{ inputs.a.url = \"k:a\"; inputs.a.url = \"k:b\"; }"), ["duplicate-attribute"]);
    let file = read("{ inputs = { a.url = ; b.url = \"k:b\"\n c.url = \"k:c\"; }; outputs = { d }: { }; }");
    let names: Vec<_> = file.inputs.iter().map(|input| input.name.as_str()).collect();
    assert_eq!(names, ["a", "b", "c", "d"]);
    assert_eq!(file.inputs[2].url.as_deref(), Some("k:c"));
}

#[test]
fn outputs_of_common_shapes_have_names() {
    let known = |body: &str| {
        let file = read(&format!("{{ outputs = {{ self, nixpkgs, flake-utils, ... }}@inputs: {body}; }}"));
        file.outputs.known.into_keys().collect::<Vec<_>>()
    };
    assert_eq!(known("{ packages.x86_64-linux.default = 1; }"), ["packages.x86_64-linux.default"]);
    assert_eq!(
        known("let all = nixpkgs.lib.genAttrs [ \"s\" \"t\" ]; in { devShells = all (system: { default = 1; }); }"),
        ["devShells.s.default", "devShells.t.default"]
    );
    assert_eq!(
        known(
            "flake-utils.lib.eachDefaultSystem (system: { packages = rec { a = 1; b = a; }; }) // { overlays.x = 1; }"
        ),
        ["overlays.x", "packages.*.a", "packages.*.b"]
    );
    assert_eq!(
        known("{ homeConfigurations.\"u@h\" = f { }; nixosConfigurations = { l = nixpkgs.lib.nixosSystem { }; }; }"),
        ["homeConfigurations.\"u@h\"", "nixosConfigurations.l"]
    );
    let file = read("{ outputs = i: { packages = i.x.y { }; }; }");
    assert_eq!(file.outputs.unknown[0].reason, "`packages` comes from a call of `x.y`");
    assert_eq!(file.outputs.unknown[0].path, "packages");
}

#[test]
fn outputs_of_flake_parts_have_names() {
    let file = read(
        "{ inputs.parts.url = \"github:hercules-ci/flake-parts\";
           outputs = inputs@{ parts, ... }: parts.lib.mkFlake { inherit inputs; } {
             systems = [ \"s\" \"t\" ];
             perSystem = { pkgs, system, ... }: { packages.a = 1; formatter = pkgs.x; treefmt = { }; };
             flake.nixosConfigurations.h = 1; imports = [ ./m.nix ]; }; }",
    );
    let known: Vec<_> = file.outputs.known.keys().map(String::as_str).collect();
    assert_eq!(known, ["formatter.s", "formatter.t", "nixosConfigurations.h", "packages.s.a", "packages.t.a"]);
    let reasons: Vec<_> = file.outputs.unknown.iter().map(|gap| gap.reason.as_str()).collect();
    assert_eq!(reasons.len(), 2, "{reasons:?}");
    assert!(reasons[0].contains("`perSystem.treefmt`") && reasons[1].contains("`imports`"));
    let file =
        read("{ outputs = { flake-parts, ... }: flake-parts.lib.mkFlake { } { perSystem = _: { apps.a = 1; }; }; }");
    assert_eq!(file.outputs.known.keys().collect::<Vec<_>>(), ["apps.*.a"]);
    let gaps: Vec<_> = file.outputs.unknown.iter().map(|gap| gap.path.as_str()).collect();
    assert_eq!(gaps, ["apps"]);
}

/// `a40` is `first` combined with itself 2⁴⁰ times.
fn doubling(first: &str, operator: &str) -> String {
    let steps = (1..41).fold(String::new(), |text, n| format!("{text} a{n} = a{0}{operator}a{0};", n - 1));
    format!("rec {{ a0 = {first}; {steps} inputs.x.url = a40; inputs.y = a40; outputs = i: {{ packages = a40; }}; }}")
}

#[test]
fn hostile_nesting_is_read_on_a_small_stack() {
    let shapes = [
        format!("{{ inputs{} = 1; }}", ".a.inputs".repeat(3000)),
        format!("{{ inputs = {}1{}; }}", "{ a.inputs.b.inputs.c.inputs.d.inputs.e = ".repeat(120), "; }".repeat(120)),
        format!("{{ inputs.a.url = {}1{}; }}", "let a = a; b = ".repeat(300), "; in a".repeat(300)),
        "let x = x; f = a: f (f a); in { inputs = f x; outputs = i: f (f i); }".to_owned(),
        format!(
            "rec {{ a0 = \"x\"; {} inputs.a.url = a60; }}",
            (1..61).fold(String::new(), |text, n| { format!("{text} a{n} = \"${{a{}}}${{a{}}}\";", n - 1, n - 1) })
        ),
        format!("{{ outputs = i: {} {{ }}; }}", "{ a = 1; } // ".repeat(3000)),
        doubling("[ 1 ]", " ++ "),
        doubling("{ b = 1; }", " // "),
        doubling("\"x\"", " + "),
        format!("{{ outputs = i: with i; {}x{}; }}", "(a: a ".repeat(180), ")".repeat(180)),
    ];
    for text in shapes {
        let read = move || read(&text).problems.len();
        std::thread::Builder::new().stack_size(2 * 1024 * 1024).spawn(read).unwrap().join().unwrap();
    }
}

const FLAKE: &str =
    "{ description = \"d\"; inputs = { a.url = \"k:a\"; b = { url = k:b; inputs.a.follows = \"a\"; }; };
  outputs = { self, a, ... }@i: let s = [ \"x\" ]; f = a.lib.genAttrs s; in with a.lib; rec { inherit (i) b;
    packages = f (system: { default = \"${system}\"; }) // { }; apps = packages; }; }";

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(256))]

    #[test]
    fn any_cut_or_swap_of_a_flake_is_read(from in 0..FLAKE.len(), to in 0..FLAKE.len(), insert in "[{}();=.\"'$a \\[\\]]{0,4}") {
        let text = format!("{}{insert}{}", &FLAKE[..from], &FLAKE[to..]);
        let file = read(&text);
        proptest::prop_assert_eq!(&read_with_configurations(&text).0.inputs, &file.inputs);
        for span in file.problems.iter().filter_map(|problem| problem.span) {
            proptest::prop_assert!(span.start <= span.end && span.end <= text.len());
        }
    }
}

#[test]
fn configurations_are_told_with_their_modules() {
    let (file, found) = read_with_configurations(
        "{ outputs = { self, nixpkgs, home-manager, ... }: let
             host = name: nixpkgs.lib.nixosSystem { system = \"x86_64-linux\"; modules = [ ./common.nix ./hosts/desk.nix ]; };
             more = [ ./b ];
           in {
             nixosConfigurations.desk = host \"desk\";
             nixosConfigurations.cellar = nixpkgs.lib.nixosSystem {
               modules = [ ./cellar.nix home-manager.nixosModules.default { services.x.enable = true; } (import ./c.nix) ];
             };
             nixosConfigurations.other = import ./other.nix;
             homeConfigurations.\"ann@desk\" = home-manager.lib.homeManagerConfiguration {
               pkgs = nixpkgs.legacyPackages.aarch64-linux; modules = more;
             };
           }; }",
    );
    assert_eq!(file.outputs.unknown, []);
    let told = |one: &Configuration| {
        format!("{} {:?} {:?} {:?}", one.name, one.system.as_deref().unwrap_or("-"), one.modules, one.others)
    };
    let mut told: Vec<_> = found.iter().map(told).collect();
    told.sort();
    let inline: Vec<_> = found.iter().flat_map(|one| &one.inline).flat_map(|shape| &shape.defined).collect();
    assert_eq!(
        (inline.len(), inline[0].path.join("."), inline[0].switch),
        (1, "services.x.enable".to_owned(), Some(true))
    );
    assert_eq!(
        told,
        [
            r#"ann@desk "aarch64-linux" ["./b"] []"#,
            r#"cellar "-" ["./cellar.nix", "./c.nix"] ["`home-manager.nixosModules.default`"]"#,
            r#"desk "x86_64-linux" ["./common.nix", "./hosts/desk.nix"] []"#,
            r#"other "-" [] ["what `import` makes"]"#,
        ]
    );
    assert_eq!(read_with_configurations("{ outputs = 1; }").1, []);
    assert_eq!(read_with_configurations("[ ]").1, []);
}

#[test]
fn configurations_by_a_library_of_two_are_told_with_their_modules() {
    let (_, found) = read_with_configurations(
        "{ outputs = { nixpkgs, home-manager, ... }: let lib = nixpkgs.lib // home-manager.lib; in {
             nixosConfigurations.atlas = lib.nixosSystem { modules = [ ./hosts/atlas ]; };
           }; }",
    );
    assert_eq!(found[0].modules, ["./hosts/atlas"]);
    assert_eq!(found[0].others, [""; 0]);
}

#[test]
fn configurations_of_flake_parts_are_found() {
    let (_, found) = read_with_configurations(
        "{ inputs.flake-parts.url = \"github:hercules-ci/flake-parts\";
           outputs = inputs@{ flake-parts, ... }: flake-parts.lib.mkFlake { inherit inputs; } {
             systems = [ ];
             flake.darwinConfigurations.mac = inputs.nix-darwin.lib.darwinSystem { modules = [ ./mac.nix ]; };
           }; }",
    );
    let told: Vec<_> = found.iter().map(|one| (one.category.as_str(), one.name.as_str(), &one.modules[..])).collect();
    assert_eq!(told, [("darwinConfigurations", "mac", &["./mac.nix".to_owned()][..])]);
}
