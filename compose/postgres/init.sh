#!/bin/sh
# The image of PostgreSQL runs this at its first start. Creates a database and a user for each service; no user may connect to
# another service's database.
set -eu
for it in order inventory payment fulfillment notification analytics sandbox_payment sandbox_carrier; do
    psql -v ON_ERROR_STOP=1 -U "$POSTGRES_USER" -d postgres -v password="$UZON_DATABASE_PASSWORD" <<SQL
CREATE ROLE uzon_$it LOGIN PASSWORD :'password';
CREATE DATABASE uzon_$it OWNER uzon_$it;
REVOKE ALL ON DATABASE uzon_$it FROM PUBLIC;
SQL
done
