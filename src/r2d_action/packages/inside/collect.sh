# Runs with the shell, find and tar of any image, and knows no packages: it collects the files
# that package managers keep beside what they install. "$1" is a folder for the result.
#
# Devices are not told apart: a home that is a volume has packages too. Folders called pkgs are
# conda's downloads, which are not installed.
for tool in find tar; do
    command -v "$tool" >/dev/null || { echo "there is no $tool" >&2; exit 1; }
done
cd / || exit 1
# Some tars refuse to make an archive of nothing.
echo ".$1/names" >"$1/names"
find . \( -path ./proc -o -path ./sys -o -path ./dev -o -name pkgs \) -prune -o -type f \( \
    -path '*/conda-meta/*.json' \
    -o -path '*-packages/*.dist-info/METADATA' \
    -o -path '*-packages/*.dist-info/direct_url.json' \
    -o -path '*-packages/*.egg-info' \
    -o -path '*-packages/*.egg-info/PKG-INFO' \
    -o -name DESCRIPTION \
    -o -path './var/lib/dpkg/status' \
    -o -path './var/lib/dpkg/status.d/*' \
    \) -print >>"$1/names"
tar -cf "$1/found.tar" -T "$1/names"
