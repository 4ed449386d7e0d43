# Files in the slug that set up dynos and later buildpacks.

# write_profile NAME: standard input becomes .profile.d/NAME.sh, sourced when a dyno starts ($HOME is the app's folder).
write_profile() {
  make_folders "$BUILD_DIR/.profile.d"
  cat >"$BUILD_DIR/.profile.d/$1.sh"
}

# write_export NAME: standard input is what later buildpacks source; the `export` file of the buildpack NAME reads it.
# It uses $BUILD_DIR, set when it is read.
write_export() {
  mkdir -p "$BUILD_DIR/.heroku/export"
  cat >"$BUILD_DIR/.heroku/export/$1.sh"
}

# write_release NAME: standard input is the YAML that bin/release of the buildpack NAME prints.
write_release() {
  mkdir -p "$BUILD_DIR/.heroku/release"
  cat >"$BUILD_DIR/.heroku/release/$1.yml"
}
