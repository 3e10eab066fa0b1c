set -e
mkdir -p /opt/x
fetch-data --all
