//! Attributes of packages that are nearly those that count.

use super::package::{self, MAKERS};
use crate::domain::finding::Severity;
use crate::lint::{Call, Check, Example, Report, Rule, Safety, replace};

pub(super) static RULE: Rule = Rule {
    name: "attribute-typo",
    summary: "an attribute whose name is nearly one that counts",
    why: "It becomes a variable of the build that nothing looks at.",
    bad: Example::Nix(
        r#"{ stdenv }: stdenv.mkDerivation {
  pname = "x";
  version = "1";
  nativeBuildInput = [ ];
}"#,
    ),
    good: Example::Nix(
        r#"{ stdenv }: stdenv.mkDerivation {
  pname = "x";
  version = "1";
  nativeBuildInputs = [ ];
}"#,
    ),
    severity: Severity::Warning,
    fix: Safety::Review,
    on: true,
    alike: &[("nixpkgs-hammering", "attribute-typo")],
    check: Check::Call(MAKERS, check),
};

/// In the order of their names.
#[rustfmt::skip]
const TYPOS: &[(&str, &str)] = &[
    ("allowedReference", "allowedReferences"),
    ("builInputs", "buildInputs"),
    ("buildInput", "buildInputs"),
    ("buildInuts", "buildInputs"),
    ("buildPhases", "buildPhase"),
    ("buildinputs", "buildInputs"),
    ("buildphase", "buildPhase"),
    ("buldInputs", "buildInputs"),
    ("cMakeFlags", "cmakeFlags"),
    ("cargohash", "cargoHash"),
    ("checkInput", "checkInputs"),
    ("cmakeFlag", "cmakeFlags"),
    ("configurFlags", "configureFlags"),
    ("configureFlag", "configureFlags"),
    ("configurephase", "configurePhase"),
    ("disableTestPaths", "disabledTestPaths"),
    ("disableTests", "disabledTests"),
    ("disabledTest", "disabledTests"),
    ("disabledTestPath", "disabledTestPaths"),
    ("doChecks", "doCheck"),
    ("dontConfig", "dontConfigure"),
    ("dontFixUp", "dontFixup"),
    ("dontPatchElf", "dontPatchELF"),
    ("dontPatchSheBangs", "dontPatchShebangs"),
    ("dontStripe", "dontStrip"),
    ("dontUnPack", "dontUnpack"),
    ("enableParalellBuilding", "enableParallelBuilding"),
    ("enableParallelBuild", "enableParallelBuilding"),
    ("enableParallelBuildings", "enableParallelBuilding"),
    ("hardeningDisabled", "hardeningDisable"),
    ("hardeningEnabled", "hardeningEnable"),
    ("instalPhase", "installPhase"),
    ("installPhases", "installPhase"),
    ("installphase", "installPhase"),
    ("maintainers", "meta.maintainers"),
    ("makeFlag", "makeFlags"),
    ("makeflags", "makeFlags"),
    ("mesonFlag", "mesonFlags"),
    ("nativeBuildInpus", "nativeBuildInputs"),
    ("nativeBuildInput", "nativeBuildInputs"),
    ("nativeBuildPackages", "nativeBuildInputs"),
    ("nativeBuildinputs", "nativeBuildInputs"),
    ("nativeCheckInput", "nativeCheckInputs"),
    ("nativeInputs", "nativeBuildInputs"),
    ("nativebuildInputs", "nativeBuildInputs"),
    ("noBuild", "dontBuild"),
    ("npmDepHash", "npmDepsHash"),
    ("outputHashalgo", "outputHashAlgo"),
    ("passThru", "passthru"),
    ("passtrhu", "passthru"),
    ("patche", "patches"),
    ("patchphase", "patchPhase"),
    ("postBuildPhase", "postBuild"),
    ("postConfigurePhase", "postConfigure"),
    ("postFixupPhase", "postFixup"),
    ("postInstallPhase", "postInstall"),
    ("postPatchPhase", "postPatch"),
    ("postbuild", "postBuild"),
    ("postinstall", "postInstall"),
    ("postpatch", "postPatch"),
    ("preBuildPhase", "preBuild"),
    ("preConfigurePhase", "preConfigure"),
    ("preFixupPhase", "preFixup"),
    ("preInstallPhase", "preInstall"),
    ("prePatchPhase", "prePatch"),
    ("prebuild", "preBuild"),
    ("preconfigure", "preConfigure"),
    ("preinstall", "preInstall"),
    ("propagateBuildInputs", "propagatedBuildInputs"),
    ("propagatedBuildInput", "propagatedBuildInputs"),
    ("propagatedNativeBuildInput", "propagatedNativeBuildInputs"),
    ("propagatedbuildInputs", "propagatedBuildInputs"),
    ("propogatedBuildInputs", "propagatedBuildInputs"),
    ("pytestFlag", "pytestFlags"),
    ("pythonCheckImport", "pythonImportsCheck"),
    ("pythonCheckImports", "pythonImportsCheck"),
    ("pythonImportCheck", "pythonImportsCheck"),
    ("pythonImportChecks", "pythonImportsCheck"),
    ("pythonImportTests", "pythonImportsCheck"),
    ("pythonImportsChecks", "pythonImportsCheck"),
    ("pythonImportsTest", "pythonImportsCheck"),
    ("pythonImportsTests", "pythonImportsCheck"),
    ("separateDebuginfo", "separateDebugInfo"),
    ("setSourceroot", "setSourceRoot"),
    ("sourceroot", "sourceRoot"),
    ("strictDep", "strictDeps"),
    ("subPackage", "subPackages"),
    ("subpackages", "subPackages"),
    ("vendorhash", "vendorHash"),
];

fn check(call: &Call, report: &mut Report<'_, '_>) {
    let Some(set) = package::set(call) else { return };
    for (name, range) in set.names() {
        if let Ok(at) = TYPOS.binary_search_by_key(&name, |(typo, _)| typo)
            && let Some((_, right)) = TYPOS.get(at)
        {
            let said = report.at(range, format!("nothing looks at `{name}`; `{right}` is likely meant"));
            said.fix_to_review([replace(range, *right)]);
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn typos_can_be_found_by_halves() {
        assert!(super::TYPOS.is_sorted_by_key(|(typo, _)| typo));
    }
}
