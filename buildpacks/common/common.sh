# What our buildpacks share; bin/compile of each sources it as ../common/common.sh. Bash 3.2 is enough (macOS has no newer one).

COMMON_DIR=${BASH_SOURCE[0]%/*}

# shellcheck source=output.sh
. "$COMMON_DIR/output.sh"
# shellcheck source=tools.sh
. "$COMMON_DIR/tools.sh"
# shellcheck source=environment.sh
. "$COMMON_DIR/environment.sh"
# shellcheck source=downloads.sh
. "$COMMON_DIR/downloads.sh"
# shellcheck source=last-build.sh
. "$COMMON_DIR/last-build.sh"
# shellcheck source=built.sh
. "$COMMON_DIR/built.sh"
# shellcheck source=slug-files.sh
. "$COMMON_DIR/slug-files.sh"
# shellcheck source=debian.sh
. "$COMMON_DIR/debian.sh"
# shellcheck source=maven.sh
. "$COMMON_DIR/maven.sh"
