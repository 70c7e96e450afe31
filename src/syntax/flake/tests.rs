//! Every form people write inputs in.

use super::*;

fn urls(text: &str) -> Vec<(String, Option<String>)> {
    read(text).inputs.into_iter().map(|input| (input.name, input.url)).collect()
}

fn codes(text: &str) -> Vec<&'static str> {
    read(text).problems.into_iter().map(|problem| problem.code).collect()
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
        "rec { u = \"u:v\"; inputs.x.url = u; }",
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
    assert_eq!((file.problems[0].code, file.problems[0].span.unwrap().line), ("dynamic-input", 2));
    assert_eq!(codes("import ./x"), ["not-an-attrset"]);
    assert_eq!(codes(""), ["not-an-attrset", "syntax-error"]);
}

#[test]
fn attributes_follows_and_overrides_are_read() {
    let file = read(
        "{ inputs.a = { type = \"github\"; owner = \"o\"; repo = \"r\"; shallow = true; n = 1; flake = false;
             inputs.b.follows = \"c\"; inputs.d.inputs.e = { follows = \"\"; }; };
           inputs.a.inputs.\"f g\".url = \"k:l\"; inputs.c.follows = \"a/b\"; inputs.p.url = ./sub; inputs.q.url = ../q; }",
    );
    assert_eq!(file.problems, []);
    let a = &file.inputs[0];
    assert_eq!(
        serde_json::to_string(&a.attrs).unwrap(),
        r#"{"n":1,"owner":"o","repo":"r","shallow":true,"type":"github"}"#
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
    assert!(!file.outputs.is_complete("packages"));
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
    assert!(!file.outputs.is_complete("apps") && file.outputs.is_complete("packages"));
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
    assert!(file.outputs.is_complete("nixosConfigurations"));
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
